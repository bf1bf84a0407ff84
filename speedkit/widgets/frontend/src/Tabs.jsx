import { useEffect, useRef, useState } from "preact/hooks";
import { message } from "./messages.js";

const LIST_WIDTH = 104;
const tabWidth = ({ label, changed }) => 28 + 7 * label.length + (changed ? 14 : 0);

// As many tabs as there is room for, the open one among them.
export function fitting(files, open, width) {
  let left = width - files.reduce((sum, file) => sum + tabWidth(file), 0) >= 0 ? width : width - LIST_WIDTH;
  const fits = (file) => (left -= tabWidth(file)) >= 0;
  const first = open ? [open, ...files.filter((file) => file !== open)] : files;
  const end = first.findIndex((file) => !fits(file));
  const chosen = new Set(end < 0 ? first : first.slice(0, Math.max(1, end)));
  return files.filter((file) => chosen.has(file));
}

export function Tabs({ files, open, choose }) {
  const [bar, width] = useWidth();
  const shown = fitting(files, open, width);
  const rest = files.filter((file) => !shown.includes(file));
  return (
    <div class="skw-tabs" ref={bar}>
      <div class="skw-tablist" role="tablist" aria-label={message("Files")} onKeyDown={(event) => step(event, shown, open, choose)}>
        {shown.map((file) => (
          <Tab key={file.path} file={file} isOpen={file === open} choose={choose} />
        ))}
      </div>
      {rest.length > 0 && (
        <select aria-label={message("Open another file")} value="" onChange={(event) => choose({ tab: event.currentTarget.value })}>
          <option value="">{message("{count} more …", { count: rest.length })}</option>
          {rest.map(({ path, changed }) => (
            <option key={path} value={path}>
              {changed ? `${path} ●` : path}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}

function Tab({ file, isOpen, choose }) {
  const { path, label, changed, state } = file;
  const note = state === "missing" ? message("removed on disk") : changed ? message("changed") : "";
  return (
    <button
      type="button"
      role="tab"
      aria-selected={isOpen}
      tabIndex={isOpen ? 0 : -1}
      title={note ? `${label}, ${note}` : label}
      aria-label={note ? `${label}, ${note}` : label}
      onClick={() => choose({ tab: path })}
    >
      {label}
      {note && (
        <span class={state === "missing" ? "skw-bad" : "skw-run"} aria-hidden="true">
          {state === "missing" ? " ✗" : " ●"}
        </span>
      )}
    </button>
  );
}

function step(event, shown, open, choose) {
  const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  if (!(event.key in moves) || !open) return;
  event.preventDefault();
  const place = Math.max(0, Math.min(shown.length - 1, shown.indexOf(open) + moves[event.key]));
  choose({ tab: shown[place].path });
  event.currentTarget.children[place].focus();
}

function useWidth() {
  const bar = useRef(null);
  const [width, setWidth] = useState(560);
  useEffect(() => {
    const watcher = new ResizeObserver(([{ contentRect }]) => setWidth(contentRect.width));
    watcher.observe(bar.current);
    return () => watcher.disconnect();
  }, []);
  return [bar, width];
}
