import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Choose } from "./link.ts";
import { factsInOne, message } from "./messages.ts";
import type { FileTab, WorkbenchView } from "./traits.ts";

const LIST_WIDTH = 104;
const tabWidth = ({ label, changed }: FileTab) => 28 + 7 * label.length + (changed ? 14 : 0);

// As many tabs as there is room for, the open one among them.
export function fitting(files: FileTab[], open: FileTab | undefined, width: number): FileTab[] {
  let left = width - files.reduce((sum, file) => sum + tabWidth(file), 0) >= 0 ? width : width - LIST_WIDTH;
  const fits = (file: FileTab) => {
    left -= tabWidth(file);
    return left >= 0;
  };
  const openFirst = open ? [open, ...files.filter((file) => file !== open)] : files;
  const end = openFirst.findIndex((file) => !fits(file));
  const shown = new Set(end < 0 ? openFirst : openFirst.slice(0, Math.max(1, end)));
  return files.filter((file) => shown.has(file));
}

type Props = { files: FileTab[]; open: FileTab | undefined; choose: Choose<WorkbenchView> };

export function Tabs({ files, open, choose }: Props) {
  const { bar, width } = useWidth();
  const shown = fitting(files, open, width);
  const rest = files.filter((file) => !shown.includes(file));
  return (
    <div class="skw-tabs" ref={bar}>
      <div class="skw-tablist" role="tablist" aria-label={message("Files")} onKeyDown={(event) => walkTabs(event, shown, open, choose)}>
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

type TabProps = { file: FileTab; isOpen: boolean; choose: Choose<WorkbenchView> };

function Tab({ file, isOpen, choose }: TabProps) {
  const { path, label, changed, state } = file;
  const note = state === "missing" ? message("removed on disk") : changed ? message("changed") : "";
  return (
    <button
      type="button"
      role="tab"
      aria-selected={isOpen}
      tabIndex={isOpen ? 0 : -1}
      title={factsInOne([label, note])}
      aria-label={factsInOne([label, note])}
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

const MOVES: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

function walkTabs(
  event: TargetedKeyboardEvent<HTMLDivElement>,
  shown: FileTab[],
  open: FileTab | undefined,
  choose: Choose<WorkbenchView>,
) {
  if (!(event.key in MOVES) || !open) return;
  event.preventDefault();
  const place = Math.max(0, Math.min(shown.length - 1, shown.indexOf(open) + MOVES[event.key]));
  choose({ tab: shown[place].path });
  (event.currentTarget.children[place] as HTMLElement).focus();
}

function useWidth() {
  const bar = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(560);
  useEffect(() => {
    if (!bar.current) return;
    const watcher = new ResizeObserver(([{ contentRect }]) => setWidth(contentRect.width));
    watcher.observe(bar.current);
    return () => watcher.disconnect();
  }, []);
  return { bar, width };
}
