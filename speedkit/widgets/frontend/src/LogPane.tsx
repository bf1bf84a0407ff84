import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { STATE } from "./format.ts";
import { type Choose, type Link, useTrait } from "./link.ts";
import { LogPages, type Range, ROW, visibleRange } from "./log_pages.ts";
import { comma, factsInOne, message, plural } from "./messages.ts";
import type { LogLine, ShownLog, WorkbenchTraits, WorkbenchView } from "./traits.ts";

const QUERY_PAUSE_MS = 200;
const COPIED_MS = 2000;

// Shows a line of a file in the editor. path: null for the Dockerfile.
export type GoTo = (path: string | null, line: number) => void;

type Matches = { lines: number[]; total: number };

type Props = { link: Link<WorkbenchTraits>; log: ShownLog; view: WorkbenchView; choose: Choose<WorkbenchView>; goTo: GoTo };

export function LogPane({ link, log, view, choose, goTo }: Props) {
  const latest = useTrait(link.model, "found");
  if (log.step === null) return <div class="skw-log skw-empty-log">{log.hint}</div>;
  const isSame = latest.number === log.number && latest.step === log.step && latest.query === view.query;
  const matches = isSame ? latest : NO_MATCHES;
  const matchLine = matches.lines.length ? matches.lines[Math.min(view.match, matches.lines.length - 1)] : null;
  return (
    <div class="skw-log">
      <LogTools link={link} log={log} matches={matches} view={view} choose={choose} goTo={goTo} />
      {log.why && (
        <p class="skw-why" role="note">
          {log.why}
        </p>
      )}
      {log.error && <p class="skw-hint skw-bad">✗ {log.error}</p>}
      {log.lines > 0 ? (
        <Lines link={link} log={log} view={view} choose={choose} matchLine={matchLine} query={view.query} />
      ) : (
        <div class="skw-lines skw-dim">{whyEmpty(log)}</div>
      )}
    </div>
  );
}

const NO_MATCHES: Matches = { lines: [], total: 0 };

function whyEmpty(log: ShownLog) {
  if (log.state === "cached") return message("Cached: BuildKit took the earlier result and printed nothing.");
  if (log.state === "waiting") return message("It has not started.");
  if (log.state === "unclear") return message("BuildKit's report does not tell which of its steps this one is.");
  if (log.state === "no-step") return message("This only changes the image's description: there is nothing to run.");
  if (log.state === "not-needed") return message("The image that is built does not need this stage.");
  return log.state === "running" ? message("Nothing printed so far.") : message("It printed nothing.");
}

function LogTools({ link, log, matches, view, choose, goTo }: Props & { matches: Matches }) {
  const [copied, setCopied] = useState("");
  const copy = async () => {
    const answer = await link.ask("copy", { number: log.number, step: log.step });
    setCopied(answer && (await toClipboard(answer.text)) ? message("Copied") : message("Not copied"));
    setTimeout(() => setCopied(""), COPIED_MS);
  };
  const { line } = log;
  const count = matches.lines.length;
  const go = (move: number) => choose({ match: (Math.min(view.match, count - 1) + move + count) % count, follow: false });
  return (
    <div class="skw-log-tools">
      <span class="skw-path">
        {line !== null && (
          <>
            <button type="button" class="skw-link" title={message("Show it in the Dockerfile")} onClick={() => goTo(null, line)}>
              {message("line {line}", { line })}
            </button>
            {comma()}
          </>
        )}
        {factsInOne([message(STATE[log.state].word), plural("{count:,} line", "{count:,} lines", log.lines)])}
      </span>
      <Query view={view} choose={choose} go={go} />
      {view.query && (
        <>
          <span class="skw-number" role="status">
            {count
              ? message("{place} of {total:,}", { place: Math.min(view.match, count - 1) + 1, total: matches.total })
              : message("none")}
          </span>
          <button type="button" aria-label={message("Previous match")} disabled={!count} onClick={() => go(-1)}>
            ↑
          </button>
          <button type="button" aria-label={message("Next match")} disabled={!count} onClick={() => go(1)}>
            ↓
          </button>
        </>
      )}
      <button type="button" aria-pressed={view.follow} onClick={() => choose({ follow: !view.follow })}>
        {message("Follow")}
      </button>
      <button type="button" onClick={copy} disabled={!log.lines}>
        {copied || message("Copy")}
      </button>
    </div>
  );
}

type QueryProps = { view: WorkbenchView; choose: Choose<WorkbenchView>; go: (move: number) => void };

function Query({ view, choose, go }: QueryProps) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const searchSoon = (query: string) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => choose({ query, match: 0, ...(query ? { follow: false } : {}) }), QUERY_PAUSE_MS);
  };
  return (
    <input
      type="search"
      aria-label={message("Search in this log")}
      placeholder={message("Search")}
      defaultValue={view.query}
      onInput={(event) => searchSoon(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && view.query) go(event.shiftKey ? -1 : 1);
      }}
    />
  );
}

type LinesProps = {
  link: Link<WorkbenchTraits>;
  log: ShownLog;
  view: WorkbenchView;
  choose: Choose<WorkbenchView>;
  matchLine: number | null;
  query: string;
};

function Lines({ link, log, view, choose, matchLine, query }: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  // The next scroll event is news of a scrolling by this code, not by hand.
  const isOwnScroll = useRef(false);
  const [, redraw] = useState(0);
  const [range, setRange] = useState<Range>([0, 60]);
  const [pages] = useState(
    () =>
      new LogPages(
        (from, count) => link.ask("log", { number: log.number, step: log.step, from, count }),
        () => redraw((count) => count + 1),
      ),
  );
  useEffect(() => () => pages.close(), [pages]);
  pages.grow(log.chars);

  const updateRange = () => {
    if (!box.current) return;
    const { scrollTop, clientHeight } = box.current;
    const next = visibleRange(scrollTop, clientHeight, log.lines);
    if (next[0] !== range[0] || next[1] !== range[1]) setRange(next);
  };
  useEffect(() => {
    if (view.follow && box.current) {
      isOwnScroll.current = true;
      box.current.scrollTop = box.current.scrollHeight;
    }
    updateRange();
  }, [log.lines, view.follow]);
  useEffect(() => {
    const target = matchLine ?? (view.follow ? null : log.at);
    if (target === null || !box.current) return;
    box.current.scrollTop = Math.max(0, target * ROW - box.current.clientHeight / 2);
    updateRange();
  }, [matchLine, log.at]);
  const latestUpdateRange = useRef(updateRange);
  latestUpdateRange.current = updateRange;
  useEffect(() => {
    if (!box.current) return;
    const watcher = new ResizeObserver(() => latestUpdateRange.current());
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  const last = Math.min(range[1], log.lines);
  useEffect(() => pages.request(range[0], last));

  // Scrolling up by hand stops following; reaching the end again does not start it: the button does.
  const scrolled = () => {
    if (!box.current) return; // the page sends the news of a scrolling when the log may be gone already
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    if (view.follow && !isOwnScroll.current && scrollHeight - scrollTop - clientHeight > 3 * ROW) choose({ follow: false });
    isOwnScroll.current = false;
    updateRange();
  };
  const rows: JSX.Element[] = [];
  for (let index = range[0]; index < last; index++) {
    const isAt = index === matchLine || index === log.at;
    rows.push(<Line key={index} index={index} line={pages.line(index)} isAt={isAt} query={query} />);
  }
  const label = message("Log of {step}", { step: log.text });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keys
    <div class="skw-lines" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label={label}>
      <div class="skw-lines-all" style={{ height: `${log.lines * ROW}px` }}>
        <div style={{ transform: `translateY(${range[0] * ROW}px)` }}>{rows}</div>
      </div>
    </div>
  );
}

type LineProps = { index: number; line: LogLine | undefined; isAt?: boolean; query: string };

// line: undefined while it is fetched; the row is empty then.
export function Line({ index, line, isAt, query }: LineProps) {
  const parts: [string, string][] = line === undefined ? [] : typeof line === "string" ? [[line, ""]] : line;
  return (
    <div class={isAt ? "skw-row skw-at" : "skw-row"} data-line={index + 1}>
      {parts.map(([text, classes], place) => (
        <span key={place} class={classes || undefined}>
          {query ? highlighted(text, query) : text}
        </span>
      ))}
      {"\n"}
    </div>
  );
}

function highlighted(text: string, query: string) {
  const parts: (string | JSX.Element)[] = [];
  const [haystack, needle] = [text.toLowerCase(), query.toLowerCase()];
  let from = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + query.length)}</mark>);
    from = at + query.length;
  }
  parts.push(text.slice(from));
  return parts;
}

async function toClipboard(text: string) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOldWay(text);
  }
}

// Pages that are not served over https have no clipboard object.
function copyOldWay(text: string) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}
