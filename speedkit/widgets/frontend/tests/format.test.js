import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, seconds } from "../src/format.ts";

test("seconds have a unit and at most three digits", () => {
  const shown = [0.004, 0.31, 4.21, 36, 99.94, 125, 3600].map(seconds);
  assert.deepEqual(shown, ["< 0.01 s", "0.31 s", "4.2 s", "36.0 s", "99.9 s", "2 min 5 s", "60 min 0 s"]);
});

test("a clock keeps one decimal and never goes below nothing", () => {
  assert.deepEqual([-1, 0.04, 12.34, 125].map(clock), ["0.0 s", "0.0 s", "12.3 s", "2 min 5 s"]);
});
