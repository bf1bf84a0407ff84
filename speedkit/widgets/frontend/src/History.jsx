import { STATE, seconds } from "./format.js";
import { useTrait } from "./link.js";
import { marked, message, plural } from "./messages.js";

export function History({ model, view, choose }) {
  const builds = useTrait(model, "history");
  const rebuilding = useTrait(model, "rebuilding");
  const longest = Math.max(0.001, ...builds.map((build) => build.seconds));
  return (
    <div class="skw-history">
      <h4>{message("Builds in this notebook")}</h4>
      {rebuilding && <p class="skw-finding">{rebuilding}</p>}
      {builds.length === 0 && <p class="skw-hint">{message("None yet. Press Build, change a line, press Build again.")}</p>}
      <ol aria-label={message("Builds, oldest first")}>
        {builds.map((build) => (
          <HistoryRow key={build.number} build={build} longest={longest} isShown={build.number === view.shown} choose={choose} />
        ))}
      </ol>
    </div>
  );
}

// What a build is called where it is pointed at or read aloud.
const SUMMARY = {
  done: marked("Build {number}, {label}: {seconds}"),
  running: marked("Build {number}, {label}: running after {seconds}"),
  failed: marked("Build {number}, {label}: failed after {seconds}"),
  cancelled: marked("Build {number}, {label}: cancelled after {seconds}"),
  broken: marked("Build {number}, {label}: broken after {seconds}"),
};

export function HistoryRow({ build, longest, isShown, choose }) {
  const { number, label, outcome } = build;
  const words = message(SUMMARY[outcome], { number, label, seconds: seconds(build.seconds) });
  return (
    <li>
      <button
        type="button"
        class="skw-build"
        aria-pressed={isShown}
        aria-label={message("{build}. {cached} cached, {ran} ran.", { build: words, cached: build.cached, ran: build.ran })}
        title={words}
        onClick={() => choose({ shown: number, step: null })}
      >
        <span class="skw-build-name">
          <span class="skw-number">{number}</span> {label}
        </span>
        <span class="skw-tally" aria-hidden="true">
          <Tally build={build} />
        </span>
        <Bar build={build} longest={longest} />
        <span class="skw-took">{took(build)}</span>
      </button>
    </li>
  );
}

function took({ outcome, seconds: value }) {
  if (outcome === "running") return message("running");
  if (outcome === "done") return seconds(value);
  return outcome === "cancelled" ? message("■ cancelled") : message("✗ failed");
}

function Tally({ build }) {
  if (build.outcome !== "done") return null;
  return (
    <>
      <span class="skw-hit">✓ {build.cached}</span> <span class="skw-run">↻ {build.ran}</span>
    </>
  );
}

// A build's time as a bar, the steps that ran as hatched parts of it where they took their time, with the names of the long ones.
function Bar({ build, longest }) {
  const { outcome, parts } = build;
  if (outcome === "running") return <span class="skw-bars" aria-hidden="true" />;
  const tone = outcome !== "done" ? "skw-bar-bad" : build.ran === 0 ? "skw-bar-hit" : "skw-bar-rest";
  return (
    <span class="skw-bars" aria-hidden="true">
      <span class={`skw-whole ${tone}`} style={{ width: `${Math.max(0.6, (100 * build.seconds) / longest)}%` }}>
        {parts.map(({ left, width, label, failed }) => (
          <i key={`${left} ${label}`} class={failed ? "skw-bar-bad" : "skw-bar-run"} style={{ left: `${left}%`, width: `${width}%` }}>
            <span>{label}</span>
          </i>
        ))}
      </span>
    </span>
  );
}

export function Comparison({ model, view, choose }) {
  const found = useTrait(model, "comparison");
  const builds = useTrait(model, "history").filter(({ outcome }) => outcome !== "running");
  if (builds.length < 2 || !found) {
    return (
      <div class="skw-compare">
        <h4>{message("Before and after")}</h4>
        <p class="skw-hint">{message("After two builds this says what changed between them.")}</p>
      </div>
    );
  }
  return (
    <div class="skw-compare">
      <div class="skw-pair">
        <h4>{message("Compare")}</h4>
        <Picker label={message("Before")} builds={builds} value={found.before} onPick={(before) => choose({ before })} />
        <span aria-hidden="true">→</span>
        <Picker label={message("After")} builds={builds} value={found.after} onPick={(after) => choose({ after })} />
      </div>
      <ComparisonBody found={found} all={view.all} choose={choose} />
    </div>
  );
}

function Picker({ label, builds, value, onPick }) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onPick(Number(event.currentTarget.value))}>
      {builds.map(({ number, label: name }) => (
        <option key={number} value={number} selected={number === value}>
          {number} {name}
        </option>
      ))}
    </select>
  );
}

export function ComparisonBody({ found, all, choose }) {
  const changed = found.rows.filter(({ change }) => change !== "");
  const rows = all ? found.rows : changed;
  return (
    <>
      <p class="skw-finding">{found.finding}</p>
      {found.why.map(({ tone, step, said }) => (
        <p key={step} class={`skw-because skw-because-${tone}`}>
          <b class={`skw-${tone}`}>{step}</b> {said}
        </p>
      ))}
      <p class="skw-dim">{found.facts.join(" ")}</p>
      {rows.length > 0 && <ComparisonTable rows={rows} found={found} />}
      {changed.length < found.rows.length && (
        <button type="button" class="skw-plain" aria-expanded={all} onClick={() => choose({ all: !all })}>
          {all ? message("▾ Show only what changed") : plural("▸ Show {count} step", "▸ Show all {count} steps", found.rows.length)}
        </button>
      )}
    </>
  );
}

function ComparisonTable({ rows, found }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{message("Step")}</th>
          <th scope="col">{message("Build {number}", { number: found.before })}</th>
          <th scope="col">{message("Build {number}", { number: found.after })}</th>
          <th scope="col">{message("Change")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id} class={row.tone ? `skw-row-${row.tone}` : undefined}>
            <td>
              <code title={`${row.stage}: ${row.text}`}>{row.text}</code>
            </td>
            <td>{cell(row.before)}</td>
            <td>{cell(row.after)}</td>
            <td>{row.change}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function cell(side) {
  if (!side) return message("not there");
  const { icon, word } = STATE[side.state];
  const text = side.state === "ran" ? seconds(side.seconds) : message(word);
  return `${icon} ${text}`.trim();
}
