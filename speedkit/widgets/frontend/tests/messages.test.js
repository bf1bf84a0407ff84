import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { seconds } from "../src/format.ts";
import { marked, message, plural, speak } from "../src/messages.ts";

afterEach(() => speak({}));

test("English is the message itself, with its values in their places", () => {
  assert.equal(message("{a} and {b}", { a: 1, b: "{a} $& {c}" }), "1 and {a} $& {c}");
  assert.equal(message("{count:,} added", { count: 1200 }), "1,200 added");
  assert.equal(message(marked("not {filled}")), "not {filled}");
});

test("one line is not lines", () => {
  const lines = [1, 0, 200_000].map((count) => plural("{count:,} line", "{count:,} lines", count));
  assert.deepEqual(lines, ["1 line", "0 lines", "200,000 lines"]);
  assert.equal(plural("{count} step, {time}", "{count} steps, {time}", 2, { time: "3 s" }), "2 steps, 3 s");
});

test("another language has its own order of values, and as many forms as it needs", () => {
  speak({
    texts: { "{a} before {b}": "{b} 之后 {a}", "{seconds} s": "{seconds} 秒" },
    plurals: { "{count} step": ["{count} krok", "{count} kroki", "{count} kroków"] },
    form_of: Array.from({ length: 200 }, (_, n) => (n === 1 ? 0 : [2, 3, 4].includes(n % 10) && ![12, 13, 14].includes(n % 100) ? 1 : 2)),
  });
  assert.equal(message("{a} before {b}", { a: "A", b: "B" }), "B 之后 A");
  assert.equal(seconds(4.21), "4.2 秒");
  assert.equal(message("not translated"), "not translated");
  const steps = [1, 3, 5, 201, 223, 1112].map((count) => plural("{count} step", "{count} steps", count));
  assert.deepEqual(steps, ["1 krok", "3 kroki", "5 kroków", "201 kroków", "223 kroki", "1112 kroków"]);
  assert.equal(plural("{count} file", "{count} files", 2), "2 files");
});
