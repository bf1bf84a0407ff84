import assert from "node:assert/strict";
import { test } from "node:test";
import { renderToString } from "preact-render-to-string";
import { Line } from "../src/LogPane.tsx";
import { Notice } from "../src/Notice.tsx";
import { markPressed, tick } from "../src/Patched.tsx";

const EVIL = "</script><img src=x onerror=alert(1)>";

test("markup in logs and messages stays text", () => {
  const pieces = [
    renderToString(<Line index={0} line={[[EVIL, "skw-c1"]]} query="img" />),
    renderToString(<Notice notice={{ kind: "error", what: EVIL, fix: EVIL }} />),
  ];
  for (const piece of pieces) {
    assert.ok(!/<(img|script)/.test(piece), piece);
    assert.ok(piece.includes("&lt;"), piece);
  }
});

test("a running time counts from when it began, and a step's track lies along the whole build's", () => {
  const whole = { dataset: { since: "1000" } };
  const step = { dataset: { since: "3000" } };
  const track = { dataset: { since: "3000", began: "2.0", took: "0" }, style: {} };
  const root = { querySelectorAll: (selector) => (selector.startsWith("i[") ? [track] : [whole, step]) };
  tick(root, 11_000);
  assert.deepEqual([whole.textContent, step.textContent], ["10.0 s", "8.0 s"]);
  assert.deepEqual(track.style, { left: "20%", width: "80%" });
});

test("a search marks every hit in a line, in any case", () => {
  const html = renderToString(<Line index={4} line="Error and error" isAt query="error" />);
  assert.equal(html.match(/<mark>/g).length, 2);
  assert.match(html, /skw-at/);
  assert.match(html, /data-line="5"/);
});

test("the row that was pressed is shown as pressed, whatever Python sent before it heard of it", () => {
  const row = (choose) => ({
    dataset: { choose: JSON.stringify(choose) },
    setAttribute(_name, value) {
      this.pressed = value;
    },
  });
  const pressed = (rows, view) => {
    markPressed({ querySelectorAll: () => rows }, view);
    return rows.map((one) => one.pressed);
  };
  const steps = () => [row({ step: "line-3" }), row({ step: "line-4" })];
  assert.deepEqual(pressed(steps(), { step: "line-4" }), ["false", "true"]);
  assert.deepEqual(pressed(steps(), { step: null }), [undefined, undefined]);
  assert.deepEqual(pressed([row({ shown: 2, step: null })], { shown: 2, step: "line-3" }), ["true"]);
});
