import { useRef } from "preact/hooks";
import { useTrait } from "./link.js";
import { Patched } from "./Patched.jsx";
import { focusRow, letTabReach, placeOf } from "./roving.js";

// A tree as a flat list, which Python renders: one line is reached with Tab, the arrow keys do the rest (WAI-ARIA, tree view).
export function FileTree({ link, view, choose, show, reveal }) {
  const html = useTrait(link.model, "tree_html");
  const at = useRef(0);
  const act = (row) => {
    const { path, kind } = row.dataset;
    if (kind === "more") link.tell("more", { path });
    else if (kind === "file") show(path);
    else if (view.query) reveal(path);
    else link.tell("open", { path, open: !isOpen(row) });
  };
  const onLine = (run) => (event) => {
    const rows = rowsOf(event.currentTarget);
    const place = rows.indexOf(event.target.closest("[role=treeitem]"));
    if (place >= 0) run(event, rows, place);
  };
  return (
    <Patched
      html={html}
      link={link}
      choose={choose}
      patched={(box) => {
        const rows = rowsOf(box);
        at.current = placeOf(rows, at.current);
        letTabReach(rows, at.current);
      }}
      onFocusIn={onLine((_event, rows, place) => {
        at.current = place;
        letTabReach(rows, place);
      })}
      onClick={onLine((_event, rows, place) => act(rows[place]))}
      onKeyDown={onLine((event, rows, place) => {
        if (!(event.key in KEYS)) return;
        KEYS[event.key](rows, place, act);
        event.preventDefault();
        event.stopPropagation();
      })}
    />
  );
}

const rowsOf = (box) => [...box.querySelectorAll("[role=treeitem]")];
const isOpen = (row) => row.getAttribute("aria-expanded") === "true";
const isClosed = (row) => row.getAttribute("aria-expanded") === "false";
const level = (row) => Number(row.getAttribute("aria-level"));

const KEYS = {
  ArrowDown: (rows, place) => focusRow(rows, place + 1),
  ArrowUp: (rows, place) => focusRow(rows, place - 1),
  Home: (rows) => focusRow(rows, 0),
  End: (rows) => focusRow(rows, rows.length - 1),
  ArrowRight: (rows, place, act) => {
    if (isClosed(rows[place])) act(rows[place]);
    else if (isOpen(rows[place])) focusRow(rows, place + 1);
  },
  ArrowLeft: (rows, place, act) => {
    if (isOpen(rows[place])) act(rows[place]);
    else focusRow(rows, rows.findLastIndex((row, other) => other < place && level(row) < level(rows[place])));
  },
  Enter: (rows, place, act) => act(rows[place]),
  " ": (rows, place, act) => act(rows[place]),
};
