import assert from "node:assert/strict";
import { test } from "node:test";
import { renderToString } from "preact-render-to-string";
import { Outlook } from "../src/Bar.jsx";
import { ComparisonBody, HistoryRow } from "../src/History.jsx";
import { Line } from "../src/LogPane.jsx";
import { Notice } from "../src/Notice.jsx";
import { StepRow, isNews } from "../src/StepsPane.jsx";

const EVIL = "</script><img src=x onerror=alert(1)>";
const step = { id: "line-3", line: 3, text: EVIL, state: "ran", seconds: 5.2, started_ms: null, began: 1, bytes: 41_000_000, note: "main.go changed, 41.0 MB" };
const row = (changes = {}, expected = new Map()) =>
  renderToString(
    <StepRow step={{ ...step, ...changes }} focus="line-3" choose={() => {}} now={0} total={10} expected={expected} isNext goTo={() => {}} />,
  );

test("markup in names, logs, labels and messages stays text", () => {
  const builds = { number: 1, label: EVIL, outcome: "done", seconds: 1, cached: 0, ran: 1, parts: [{ left: 0, width: 90, label: EVIL }] };
  const found = { before: 1, after: 2, finding: EVIL, why: [{ tone: "run", step: EVIL, said: EVIL }], facts: [EVIL], rows: [] };
  const pieces = [
    row({ note: EVIL, why: EVIL }),
    row({}, new Map([[3, { forecast: "miss", because: EVIL, note: EVIL }]])),
    renderToString(<Outlook outlook={{ cached: 1, run: 1, depends: 1, about: EVIL, why: EVIL }} />),
    renderToString(<Line index={0} runs={[[EVIL, "skw-c1"]]} query="img" />),
    renderToString(<Notice notice={{ kind: "error", what: EVIL, fix: EVIL }} />),
    renderToString(<HistoryRow build={builds} longest={1} isShown={false} choose={() => {}} />),
    renderToString(<ComparisonBody found={found} all={false} choose={() => {}} />),
  ];
  for (const piece of pieces) {
    assert.ok(!/<(img|script)/.test(piece), piece);
    assert.ok(piece.includes("&lt;"), piece);
  }
});

test("every state has a word, and a screen reader hears line, text, state and time", () => {
  assert.match(row(), /aria-label="line 3, [^"]*: ran, 5.2 s, main.go changed, 41.0 MB"/);
  const words = { cached: "cached", failed: "failed, 5.2 s", cancelled: "cancelled", "no-step": "no step", waiting: "waiting" };
  for (const [state, word] of Object.entries(words)) assert.ok(row({ state }).includes(`skw-took">${word}`), state);
});

test("a running step's clock counts from when it started", () => {
  const html = renderToString(
    <StepRow step={{ ...step, state: "running", started_ms: 1000 }} focus={null} choose={() => {}} now={13_400} total={20} expected={new Map()} />,
  );
  assert.ok(html.includes("12.4 s"));
});

test("a forecast stands at its step with a shape and a word", () => {
  const html = row({}, new Map([[3, { forecast: "hit", because: "nothing changed" }]]));
  assert.match(html, /next: ✓ cached/);
  assert.match(html, /title="nothing changed"/);
  assert.ok(!row({}, new Map([[3, { forecast: "no-step", because: "" }]])).includes("next:"));
});

test("beside a finished build each step says why it was so, until something would run again", () => {
  const forecast = [{ line: 3, forecast: "hit" }];
  assert.ok(!isNews({ number: 2, is_current: true }, forecast));
  assert.ok(isNews({ number: 2, is_current: true }, [...forecast, { line: 4, forecast: "miss" }]));
  assert.ok(isNews({ number: 0, is_current: true }, forecast));
  assert.ok(!isNews({ number: 2, is_current: false }, [{ line: 4, forecast: "miss" }]));
  assert.match(row(), /skw-note">main.go changed, 41.0 MB</);
});

test("a search marks every hit in a line, in any case", () => {
  const html = renderToString(<Line index={4} runs="Error and error" isAt query="error" />);
  assert.equal(html.match(/<mark>/g).length, 2);
  assert.match(html, /skw-at/);
  assert.match(html, /data-line="5"/);
});
