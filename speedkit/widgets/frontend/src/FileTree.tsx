import { useRef } from "preact/hooks";
import { type Choose, type Link, useTrait } from "./link.ts";
import { Patched } from "./Patched.tsx";
import { focusRow, pathOf, rowsHandler, rowsIn, useTabStop } from "./roving_focus.ts";
import type { LayersChoices, LayersTraits } from "./traits.ts";

const ROW = "[role=treeitem]";

type Props = {
  link: Link<LayersTraits>;
  view: LayersChoices;
  choose: Choose<LayersChoices>;
  toggleFile: (path: string) => void;
  reveal: (path: string) => void;
};

// A tree as a flat list, which Python renders: one line is reached with Tab, the arrow keys do the rest (WAI-ARIA, tree view).
export function FileTree({ link, view, choose, toggleFile, reveal }: Props) {
  const html = useTrait(link.model, "tree_html");
  const tabStop = useTabStop(ROW);
  // The folder of a search's result that is on its way to its place in the whole tree.
  const revealed = useRef<string | null>(null);
  const open = (row: HTMLElement) => {
    const path = pathOf(row);
    const { kind } = row.dataset;
    if (kind === "more") link.tell("more", { path });
    else if (kind === "file") toggleFile(path);
    else if (view.query) {
      revealed.current = path;
      reveal(path);
    } else link.tell("open", { path, open: !isOpen(row) });
  };
  const moveToRevealed = (root: HTMLElement) => {
    if (revealed.current === null) return;
    const rows = rowsIn(root, ROW);
    const place = rows.findIndex((row) => pathOf(row) === revealed.current);
    if (place < 0) return;
    tabStop.moveTo(rows, place);
    if (root.contains(document.activeElement)) focusRow(rows, place);
    if (isOpen(rows[place])) revealed.current = null;
  };
  return (
    <Patched
      html={html}
      link={link}
      choose={choose}
      patched={(root) => {
        tabStop.patched(root);
        moveToRevealed(root);
      }}
      onFocusIn={tabStop.onFocusIn}
      onClick={rowsHandler(ROW, (_event, rows, place) => open(rows[place]))}
      onKeyDown={rowsHandler(ROW, (event, rows, place) => {
        if (!(event.key in KEYS)) return;
        KEYS[event.key](rows, place, open);
        event.preventDefault();
        event.stopPropagation();
      })}
    />
  );
}

const isOpen = (row: HTMLElement) => row.getAttribute("aria-expanded") === "true";
const isClosed = (row: HTMLElement) => row.getAttribute("aria-expanded") === "false";
const level = (row: HTMLElement) => Number(row.getAttribute("aria-level"));

type OnKey = (rows: HTMLElement[], place: number, open: (row: HTMLElement) => void) => void;

const KEYS: Record<string, OnKey> = {
  ArrowDown: (rows, place) => focusRow(rows, place + 1),
  ArrowUp: (rows, place) => focusRow(rows, place - 1),
  Home: (rows) => focusRow(rows, 0),
  End: (rows) => focusRow(rows, rows.length - 1),
  ArrowRight: (rows, place, open) => {
    if (isClosed(rows[place])) open(rows[place]);
    else if (isOpen(rows[place])) focusRow(rows, place + 1);
  },
  ArrowLeft: (rows, place, open) => {
    if (isOpen(rows[place])) open(rows[place]);
    else
      focusRow(
        rows,
        rows.findLastIndex((row, other) => other < place && level(row) < level(rows[place])),
      );
  },
  Enter: (rows, place, open) => open(rows[place]),
  " ": (rows, place, open) => open(rows[place]),
};
