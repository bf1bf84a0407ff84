import { useEffect, useRef, useState } from "preact/hooks";
import { CHANGE, KIND, WHOLE, bytes } from "./format.js";
import { message, plural } from "./messages.js";
import { SizeBar } from "./SizeBar.jsx";

const keyOf = (row) => (row.kind === "more" ? `more ${row.path}` : row.path);

// A tree as a flat list: one line is reached with Tab, the arrow keys do the rest (WAI-ARIA, tree view).
export function FileTree({ link, tree, view, show, reveal }) {
  const { rows } = tree;
  const box = useRef(null);
  const waiting = useRef(null);
  const [at, setAt] = useState(null);
  const current = Math.max(0, rows.findIndex((row) => keyOf(row) === at));
  const focus = (index) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (!row) return;
    setAt(keyOf(row));
    box.current.children[rows.indexOf(row)].focus();
  };
  // The line that was pressed may have given way to what it stood for.
  useEffect(() => {
    if (waiting.current !== null) focus(waiting.current);
    waiting.current = null;
  }, [rows]);
  const act = (row, index) => {
    if (row.kind === "more") {
      waiting.current = index;
      link.tell("more", { path: row.path });
    } else if (row.opened === null) show(row.path);
    else if (view.query) reveal(row.path);
    else link.tell("open", { path: row.path, open: !row.opened });
  };
  const press = (event) => {
    const done = KEYS[event.key]?.({ rows, index: current, row: rows[current], focus, act, link });
    if (done === undefined) return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="skl-tree">
      <ul role="tree" class={view.place === WHOLE && view.side !== "difference" ? "skl-plain" : "skl-changes"} aria-label={tree.title} ref={box} onKeyDown={press}>
        {rows.map((row, index) => (
          <FileRow
            key={keyOf(row)}
            row={row}
            whole={tree.bytes}
            isWhole={view.place === WHOLE}
            isShown={view.file === row.path && row.opened === null}
            differs={view.side === "difference"}
            isAt={index === current}
            onFocus={() => setAt(keyOf(row))}
            onPress={() => act(row, index)}
          />
        ))}
      </ul>
      {tree.note && <p class="skw-hint">{tree.note}</p>}
    </div>
  );
}

const KEYS = {
  ArrowDown: ({ index, focus }) => (focus(index + 1), true),
  ArrowUp: ({ index, focus }) => (focus(index - 1), true),
  Home: ({ focus }) => (focus(0), true),
  End: ({ rows, focus }) => (focus(rows.length - 1), true),
  ArrowRight: ({ index, row, focus, act }) => {
    if (row?.opened === false) act(row, index);
    else if (row?.opened) focus(index + 1);
    return true;
  },
  ArrowLeft: ({ rows, index, row, focus, act }) => {
    if (row?.opened) act(row, index);
    else focus(rows.findLastIndex((other, place) => place < index && other.depth < row?.depth));
    return true;
  },
  Enter: ({ index, row, act }) => (row && act(row, index), true),
  " ": ({ index, row, act }) => (row && act(row, index), true),
};

export function FileRow({ row, whole, isWhole, differs, isShown, isAt, onFocus, onPress }) {
  const isFolder = row.kind === "directory";
  const told = size(row, differs);
  return (
    <li
      role="treeitem"
      class={`skl-row skl-${row.state || "as-is"}`}
      style={{ "--depth": row.depth }}
      aria-level={row.depth + 1}
      aria-expanded={row.opened ?? undefined}
      aria-selected={isShown}
      aria-label={spoken(row, told)}
      tabIndex={isAt ? 0 : -1}
      title={row.path}
      onFocus={onFocus}
      onClick={onPress}
    >
      <span class="skl-name">
        <span class="skl-turn">{turn(row)}</span>
        {row.name}
        {isFolder && "/"}
        {row.link && <span class="skw-dim"> → {row.link}</span>} <span class="skl-note">{note(row)}</span>
      </span>
      <span class="skl-state">{state(row, isWhole)}</span>
      <SizeBar value={row.size_bytes || row.before_bytes} whole={whole} />
      <span class="skw-took">{told}</span>
    </li>
  );
}

function state(row, isWhole) {
  if (row.state in CHANGE) return message(CHANGE[row.state].signed);
  return isWhole && row.place !== null ? message("layer {number}", { number: row.place + 1 }) : "";
}

function note(row) {
  if (row.note) return row.note;
  if (row.opened !== null) return row.files ? plural("{count:,} file", "{count:,} files", row.files) : "";
  return row.kind in KIND ? message(KIND[row.kind]) : "";
}

function turn(row) {
  if (row.kind === "more") return "…";
  return row.opened === null ? "" : row.opened ? "▾" : "▸";
}

// A layer's folder has what the layer stores; between two images a folder had a size before, too.
function size(row, differs) {
  if (!row.size_bytes && !row.before_bytes && row.kind !== "file") return "–";
  if (row.state === "removed") return bytes(row.before_bytes);
  const hadSize = row.state === "changed" || (differs && row.opened !== null && row.before_bytes > 0);
  if (hadSize && row.before_bytes !== row.size_bytes) return `${bytes(row.before_bytes)} → ${bytes(row.size_bytes)}`;
  return bytes(row.size_bytes);
}

function spoken(row, told) {
  const change = CHANGE[row.state];
  const name = row.kind === "more" ? message("Show more: {name}", { name: row.name }) : row.name;
  return [name, change && message(change.word), note(row), told === "–" ? "" : told].filter(Boolean).join(", ");
}
