import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "../src/outbox.ts";

function outbox() {
  const sent = [];
  const timers = [];
  const time = { now: 0 };
  const box = new Outbox((path, text) => sent.push([path, text]), {
    now: () => time.now,
    later: (run, wait) => timers.push({ run, wait }) && timers.length,
    cancel: () => timers.pop(),
  });
  return { box, sent, timers, time };
}

test("the first keystroke goes at once, the next ones together", () => {
  const { box, sent, timers, time } = outbox();
  box.put("a", () => "1");
  time.now = 10;
  box.put("a", () => "12");
  box.put("a", () => "123");
  assert.deepEqual(sent, [["a", "1"]]);
  assert.ok(box.holds("a"));
  timers.shift().run();
  assert.deepEqual(sent, [
    ["a", "1"],
    ["a", "123"],
  ]);
  assert.ok(!box.holds("a"));
});

test("pressing Build sends what is not sent yet first", () => {
  const { box, sent } = outbox();
  box.put("a", () => "1");
  box.put("b", () => "2");
  box.flush();
  assert.deepEqual(sent, [
    ["a", "1"],
    ["b", "2"],
  ]);
});

test("a large file is sent less often", () => {
  const { box, timers, time } = outbox();
  box.put("a", () => "x".repeat(1_000_000));
  time.now = 1;
  box.put("a", () => "y");
  assert.ok(timers[0].wait > 500);
});
