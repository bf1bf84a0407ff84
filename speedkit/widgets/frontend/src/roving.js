// One of several rows is reached with Tab, and the arrow keys move on from there (WAI-ARIA, "roving tabindex").

// Lets Tab reach the row at a place, and no other one.
export function letTabReach(rows, place) {
  rows.forEach((row, index) => row.setAttribute("tabindex", index === place ? "0" : "-1"));
}

// The place of the row that Tab reaches: after news from Python the same one, where there still are so many.
export function placeOf(rows, last) {
  return Math.max(0, Math.min(rows.length - 1, last));
}

export function focusRow(rows, place) {
  const row = rows[Math.max(0, Math.min(rows.length - 1, place))];
  row?.focus();
}
