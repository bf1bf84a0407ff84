import assert from "node:assert/strict";
import { test } from "node:test";
import { focusRow, letTabReach, placeOf } from "../src/roving_focus.ts";

const rows = () =>
  [0, 1, 2].map(() => ({
    setAttribute(name, value) {
      this[name] = value;
    },
    focus() {
      this.isFocused = true;
    },
  }));

test("Tab reaches one row only", () => {
  const all = rows();
  letTabReach(all, 1);
  assert.deepEqual(
    all.map(({ tabindex }) => tabindex),
    ["-1", "0", "-1"],
  );
});

test("the place stays where the rows change, as far as there are so many", () => {
  assert.equal(placeOf(rows(), 1), 1);
  assert.equal(placeOf(rows(), 7), 2);
  assert.equal(placeOf([], 7), 0);
});

test("the focus stops at both ends, and without rows nothing happens", () => {
  const all = rows();
  focusRow(all, -1);
  focusRow(all, Infinity);
  assert.deepEqual(
    all.map(({ isFocused }) => Boolean(isFocused)),
    [true, false, true],
  );
  focusRow([], 0);
});
