// One of several rows is reached with Tab, and the arrow keys move on from there (WAI-ARIA, "roving tabindex").

import type { TargetedFocusEvent, TargetedKeyboardEvent } from "preact";
import { useRef } from "preact/hooks";

// Lets Tab reach the row at a place, and no other one.
export function letTabReach(rows: HTMLElement[], place: number) {
  rows.forEach((row, index) => {
    row.setAttribute("tabindex", index === place ? "0" : "-1");
  });
}

// The place of the row that Tab reaches: after news from Python the same one, or the last row where there are fewer.
export function placeOf(rows: HTMLElement[], before: number) {
  return Math.max(0, Math.min(rows.length - 1, before));
}

export function focusRow(rows: HTMLElement[], place: number) {
  const row: HTMLElement | undefined = rows[Math.max(0, Math.min(rows.length - 1, place))];
  row?.focus();
}

export const rowsIn = (root: ParentNode, selector: string) => [...root.querySelectorAll<HTMLElement>(selector)];

// The row around the element that an event came from.
export function rowOf(event: { target: EventTarget | null }, selector: string): HTMLElement | null {
  return (event.target as Element).closest<HTMLElement>(selector);
}

type ListEvent = { target: EventTarget | null; currentTarget: HTMLElement };

// A handler of events in a list: it gets the list's rows and the place of the row that the event came from.
export function rowsHandler<Kind extends ListEvent>(selector: string, run: (event: Kind, rows: HTMLElement[], place: number) => void) {
  return (event: Kind) => {
    const rows = rowsIn(event.currentTarget, selector);
    const row = rowOf(event, selector);
    const place = row ? rows.indexOf(row) : -1;
    if (place >= 0) run(event, rows, place);
  };
}

const MOVES: Record<string, number> = { ArrowUp: -1, ArrowDown: 1 };

// A handler of keys in a list all of whose rows are reached with Tab: the arrow keys walk it, too.
export function arrowKeysWalk(selector: string) {
  return rowsHandler<TargetedKeyboardEvent<HTMLElement>>(selector, (event, rows, place) => {
    if (!(event.key in MOVES)) return;
    const next: HTMLElement | undefined = rows[place + MOVES[event.key]];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

// The path of a row, exactly: Python writes it as JSON, since invisible characters are shown as escapes everywhere else.
export const pathOf = (row: HTMLElement): string => JSON.parse(row.dataset.path ?? '""');

// The row that Tab reaches, for a `Patched` whose rows come and go: `patched` and `onFocusIn` are its props, `moveTo` changes the row.
export function useTabStop(selector: string) {
  const stop = useRef(0);
  const moveTo = (rows: HTMLElement[], place: number) => {
    stop.current = placeOf(rows, place);
    letTabReach(rows, stop.current);
  };
  return {
    moveTo,
    patched: (root: ParentNode) => moveTo(rowsIn(root, selector), stop.current),
    onFocusIn: rowsHandler<TargetedFocusEvent<HTMLDivElement>>(selector, (_event, rows, place) => moveTo(rows, place)),
  };
}
