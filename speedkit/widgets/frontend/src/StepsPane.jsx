import { useEffect, useState } from "preact/hooks";
import { FORECAST, STATE, clock, seconds } from "./format.js";
import { useTrait } from "./link.js";
import { LogPane } from "./LogPane.jsx";
import { message, plural } from "./messages.js";

const TICK_MS = 100;

export function StepsPane({ link, view, choose, goTo }) {
  const { model } = link;
  const steps = useTrait(model, "steps");
  const forecast = useTrait(model, "forecast");
  const now = useClock(link, steps.outcome === "running");
  const focus = view.step ?? steps.focus;
  const chosen = [...steps.stages.flatMap((stage) => stage.steps), ...steps.internal].find(({ id }) => id === focus);
  const elapsed = steps.started_ms === null ? steps.seconds : Math.max(0, (now - steps.started_ms) / 1000);
  const expected = isNews(steps, forecast) ? new Map(forecast.map((entry) => [entry.line, entry])) : new Map();
  const shared = { focus, choose, now, total: elapsed, expected, isNext: steps.number > 0, goTo };
  return (
    <div class="skw-steps">
      <Heading steps={steps} elapsed={elapsed} />
      <div class="skw-list" onKeyDown={walk}>
        {steps.error && !chosen?.error && <p class="skw-hint skw-bad">✗ {steps.error}</p>}
        {steps.stages.map((stage) => (
          <StageSteps key={stage.name} stage={stage} {...shared} />
        ))}
        {steps.stages.length === 0 && !steps.error && <p class="skw-hint">{steps.hint}</p>}
        {steps.internal.length > 0 && <Internal steps={steps.internal} view={view} {...shared} />}
      </div>
      <LogPane
        key={`${steps.number}/${focus}`}
        link={link}
        steps={steps}
        step={chosen}
        why={chosen && (chosen.why || expected.get(chosen.line)?.because)}
        view={view}
        choose={choose}
        goTo={goTo}
      />
    </div>
  );
}

// Beside a finished build the forecast is news only when something would run again; else each step says why it was as it was.
export function isNews(steps, forecast) {
  return steps.is_current && (steps.number === 0 || forecast.some((entry) => entry.forecast !== "hit"));
}

function Heading({ steps, elapsed }) {
  const { cached, ran } = steps.counts;
  return (
    <div class="skw-heading">
      <b>{steps.title}</b>
      {steps.outcome === "running" && (
        <span class="skw-number">
          <b class="skw-run">{clock(elapsed)}</b>
          {steps.about && ` ${message("of {time}", { time: steps.about })}`}
        </span>
      )}
      {steps.number > 0 && steps.outcome !== "running" && <Outcome steps={steps} />}
      {steps.number > 0 && (
        <span class="skw-counts">
          <span class="skw-hit">✓ {message("{count} cached", { count: cached })}</span>{" "}
          <span class="skw-run">↻ {message("{count} ran", { count: ran })}</span>
        </span>
      )}
      {steps.stand_ins && (
        <span class="skw-tag" title={message("No registry answered: what is on this machine took the place of an image.")}>
          {steps.stand_ins}
        </span>
      )}
      {steps.is_cold && <span class="skw-tag">{message("from cold")}</span>}
      {steps.agreement && <span class="skw-tag">{steps.agreement}</span>}
    </div>
  );
}

function Outcome({ steps }) {
  if (steps.outcome === "done") return <span class="skw-number">{seconds(steps.seconds)}</span>;
  const took = { seconds: seconds(steps.seconds) };
  if (steps.outcome === "cancelled") return <span class="skw-number">{message("■ cancelled after {seconds}", took)}</span>;
  return <span class="skw-bad skw-number">{message("✗ failed after {seconds}", took)}</span>;
}

function StageSteps({ stage, ...shared }) {
  return (
    <>
      <h4>{stage.title}</h4>
      <ul aria-label={message("Steps of {stage}", { stage: stage.title })}>
        {stage.steps.map((step) => (
          <StepRow key={step.id} step={step} {...shared} />
        ))}
      </ul>
    </>
  );
}

function Internal({ steps, view, choose, ...shared }) {
  return (
    <>
      <h4>
        <button type="button" class="skw-plain" aria-expanded={view.internal} onClick={() => choose({ internal: !view.internal })}>
          {view.internal ? "▾" : "▸"} {ownWork(steps)}
        </button>
      </h4>
      {view.internal && (
        <ul aria-label={message("Steps of BuildKit itself")}>
          {steps.map((step) => (
            <StepRow key={step.id} step={step} choose={choose} {...shared} />
          ))}
        </ul>
      )}
    </>
  );
}

function ownWork(steps) {
  const total = steps.reduce((sum, step) => sum + step.seconds, 0);
  return plural("BuildKit's own work: {count:,} step, {seconds}", "BuildKit's own work: {count:,} steps, {seconds}", steps.length, {
    seconds: seconds(total),
  });
}

export function StepRow({ step, focus, choose, now, total, expected, isNext, goTo }) {
  const { icon, word } = STATE[step.state];
  const state = message(word);
  const took = step.state === "running" && step.started_ms !== null ? Math.max(0, (now - step.started_ms) / 1000) : step.seconds;
  const guess = step.line === null ? undefined : expected.get(step.line);
  return (
    <li>
      <button
        type="button"
        class={`skw-step skw-${step.state}`}
        aria-pressed={step.id === focus}
        aria-label={label(step, state, took)}
        title={step.text}
        onClick={() => choose({ step: step.id })}
        onDblClick={() => step.line !== null && goTo(null, step.line)}
      >
        <span class="skw-icon" aria-hidden="true">
          {icon}
        </span>
        <span class="skw-line">{step.line ?? ""}</span>
        <code>{step.text}</code>
        <Note step={step} guess={guess} isNext={isNext} />
        <Track step={step} took={took} total={total} />
        <span class="skw-took">{tookText(step, state, took)}</span>
      </button>
    </li>
  );
}

function Note({ step, guess, isNext }) {
  if (guess?.forecast in FORECAST) {
    const { icon, word, className } = FORECAST[guess.forecast];
    const said = `${icon} ${guess.note || message(word)}`;
    return (
      <span class={`skw-note ${className}`} title={guess.because}>
        {isNext ? message("next: {forecast}", { forecast: said }) : said}
      </span>
    );
  }
  return (
    <span class="skw-note" title={step.why || undefined}>
      {step.note}
    </span>
  );
}

function label(step, state, took) {
  const time = ["ran", "failed", "running"].includes(step.state) ? seconds(took) : "";
  const said = [state, time, step.note].filter(Boolean).join(", ");
  if (step.line === null) return message("{step}: {state}", { step: step.text, state: said });
  return message("line {line}, {step}: {state}", { line: step.line, step: step.text, state: said });
}

function tookText(step, state, took) {
  if (step.state === "running") return clock(took);
  if (step.state === "ran") return seconds(took);
  if (step.state === "failed") return message("failed, {seconds}", { seconds: seconds(took) });
  return state;
}

// Where in the build the step's time lies; cached steps take none.
function Track({ step, took, total }) {
  if (step.began === null || total <= 0 || !["ran", "running", "failed", "cancelled"].includes(step.state)) {
    return <span class="skw-track" aria-hidden="true" />;
  }
  const left = Math.min(98, (100 * step.began) / total);
  const width = Math.max(2, Math.min(100 - left, (100 * took) / total));
  return (
    <span class="skw-track" aria-hidden="true">
      <i style={{ left: `${left}%`, width: `${width}%` }} />
    </span>
  );
}

function useClock(link, isRunning) {
  const [now, setNow] = useState(link.now());
  useEffect(() => {
    setNow(link.now());
    if (!isRunning) return;
    const timer = setInterval(() => setNow(link.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [link, isRunning]);
  return now;
}

// Arrow keys walk the list, whatever stage the steps belong to.
function walk(event) {
  const moves = { ArrowUp: -1, ArrowDown: 1 };
  if (!(event.key in moves)) return;
  const rows = [...event.currentTarget.querySelectorAll(".skw-step")];
  const place = rows.indexOf(event.target.closest(".skw-step"));
  const next = rows[place + moves[event.key]];
  if (place < 0 || !next) return;
  event.preventDefault();
  next.focus();
}
