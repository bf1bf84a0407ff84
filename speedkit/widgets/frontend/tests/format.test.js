import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, clock, seconds } from "../src/format.js";

test("seconds have a unit and at most three digits", () => {
  const shown = [0.004, 0.31, 4.21, 36, 99.94, 125, 3600].map(seconds);
  assert.deepEqual(shown, ["< 0.01 s", "0.31 s", "4.2 s", "36.0 s", "99.9 s", "2 min 5 s", "60 min 0 s"]);
});

test("a clock keeps one decimal and never goes below nothing", () => {
  assert.deepEqual([-1, 0.04, 12.34, 125].map(clock), ["0.0 s", "0.0 s", "12.3 s", "2 min 5 s"]);
});

test("bytes count in thousands, as Docker does", () => {
  assert.deepEqual([812, 3_200_000, 406_000_000, 1.5e9].map(bytes), ["812 bytes", "3.2 MB", "406 MB", "1.5 GB"]);
});
