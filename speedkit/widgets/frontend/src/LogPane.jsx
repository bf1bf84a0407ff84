import { useEffect, useRef, useState } from "preact/hooks";
import { STATE } from "./format.js";
import { useTrait } from "./link.js";
import { message, plural } from "./messages.js";
import { Pages, ROW, visibleRange } from "./pages.js";

const QUERY_PAUSE_MS = 200;

export function LogPane({ link, log, view, choose, goTo }) {
  const found = useTrait(link.model, "found");
  if (log.step === null) return <div class="skw-log skw-empty-log">{log.hint}</div>;
  const matches = found.number === log.number && found.step === log.step && found.query === view.query ? found : NOTHING;
  const at = matches.lines.length ? matches.lines[Math.min(view.match, matches.lines.length - 1)] : null;
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
        <Lines link={link} log={log} view={view} choose={choose} at={at} query={view.query} />
      ) : (
        <div class="skw-lines skw-dim">{nothing(log)}</div>
      )}
    </div>
  );
}

const NOTHING = { lines: [], total: 0 };

function nothing(log) {
  if (log.state === "cached") return message("Cached: BuildKit took the earlier result and printed nothing.");
  if (log.state === "waiting") return message("It has not started.");
  if (log.state === "unclear") return message("BuildKit's report does not tell which of its steps this one is.");
  if (log.state === "no-step") return message("This only changes the image's description: there is nothing to run.");
  if (log.state === "not-needed") return message("The image that is built does not need this stage.");
  return log.state === "running" ? message("Nothing printed so far.") : message("It printed nothing.");
}

function LogTools({ link, log, matches, view, choose, goTo }) {
  const [copied, setCopied] = useState("");
  const copy = async () => {
    const answer = await link.ask("copy", { number: log.number, step: log.step });
    setCopied(answer && (await toClipboard(answer.text)) ? message("Copied") : message("Not copied"));
    setTimeout(() => setCopied(""), 2000);
  };
  const count = matches.lines.length;
  const go = (move) => choose({ match: (Math.min(view.match, count - 1) + move + count) % count, follow: false });
  return (
    <div class="skw-log-tools">
      <span class="skw-path">
        {log.line !== null && (
          <>
            <button type="button" class="skw-link" title={message("Show it in the Dockerfile")} onClick={() => goTo(null, log.line)}>
              {message("line {line}", { line: log.line })}
            </button>
            {", "}
          </>
        )}
        {message(STATE[log.state].word)}, {plural("{count:,} line", "{count:,} lines", log.lines)}
      </span>
      <Query view={view} choose={choose} go={go} />
      {view.query && (
        <>
          <span class="skw-number" role="status">
            {count ? message("{place} of {total:,}", { place: Math.min(view.match, count - 1) + 1, total: matches.total }) : message("none")}
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

function Query({ view, choose, go }) {
  const timer = useRef(null);
  const later = (query) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => choose({ query, match: 0, ...(query ? { follow: false } : {}) }), QUERY_PAUSE_MS);
  };
  return (
    <input
      type="search"
      aria-label={message("Search in this log")}
      placeholder={message("Search")}
      defaultValue={view.query}
      onInput={(event) => later(event.currentTarget.value)}
      onKeyDown={(event) => event.key === "Enter" && !event.ctrlKey && !event.metaKey && view.query && go(event.shiftKey ? -1 : 1)}
    />
  );
}

function Lines({ link, log, view, choose, at, query }) {
  const box = useRef(null);
  const own = useRef(false);
  const [, redraw] = useState(0);
  const [range, setRange] = useState([0, 60]);
  const [pages] = useState(
    () =>
      new Pages(
        (from, count) => link.ask("log", { number: log.number, step: log.step, from, count }),
        () => redraw((n) => n + 1),
      ),
  );
  useEffect(() => () => pages.close(), [pages]);
  pages.grow(log.lines, log.chars);

  const look = () => {
    if (!box.current) return;
    const { scrollTop, clientHeight } = box.current;
    const next = visibleRange(scrollTop, clientHeight, log.lines);
    if (next[0] !== range[0] || next[1] !== range[1]) setRange(next);
  };
  useEffect(() => {
    if (view.follow) {
      own.current = true;
      box.current.scrollTop = box.current.scrollHeight;
    }
    look();
  }, [log.lines, view.follow]);
  useEffect(() => {
    const target = at ?? (view.follow ? null : log.at);
    if (target === null || target === undefined) return;
    box.current.scrollTop = Math.max(0, target * ROW - box.current.clientHeight / 2);
    look();
  }, [at, log.at]);
  const latestLook = useRef(look);
  latestLook.current = look;
  useEffect(() => {
    const watcher = new ResizeObserver(() => latestLook.current());
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  const last = Math.min(range[1], log.lines);
  useEffect(() => pages.want(range[0], last));

  // Scrolling up by hand stops following; reaching the end again does not start it: the button does.
  const scrolled = () => {
    if (!box.current) return; // the page sends the news of a scrolling when the log may be gone already
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    if (view.follow && !own.current && scrollHeight - scrollTop - clientHeight > 3 * ROW) choose({ follow: false });
    own.current = false;
    look();
  };
  const rows = [];
  for (let index = range[0]; index < last; index++) {
    rows.push(<Line key={index} index={index} runs={pages.line(index)} isAt={index === at || index === log.at} query={query} />);
  }
  return (
    <div class="skw-lines" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label={message("Log of {step}", { step: log.text })}>
      <div class="skw-lines-all" style={{ height: `${log.lines * ROW}px` }}>
        <div style={{ transform: `translateY(${range[0] * ROW}px)` }}>{rows}</div>
      </div>
    </div>
  );
}

// runs: a string, or a list of [text, classes] where the step printed colours; undefined while it is fetched: the line is empty then.
export function Line({ index, runs, isAt, query }) {
  const parts = runs === undefined ? [] : typeof runs === "string" ? [[runs, ""]] : runs;
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

export function highlighted(text, query) {
  const parts = [];
  const [haystack, needle] = [text.toLowerCase(), query.toLowerCase()];
  let from = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + query.length)}</mark>);
    from = at + query.length;
  }
  parts.push(text.slice(from));
  return parts;
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOldWay(text);
  }
}

// Pages that are not served over https have no clipboard object.
function copyOldWay(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

