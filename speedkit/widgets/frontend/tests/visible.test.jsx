import assert from "node:assert/strict";
import { test } from "node:test";
import { options } from "preact";
import { renderToString } from "preact-render-to-string";
import { Line } from "../src/LogPane.tsx";
import { Notice } from "../src/Notice.tsx";
import { visible } from "../src/visible.ts";

const TURNED = "a\u202eb\u2066c\u200bd\u0085e\u{e0041}f";
const ESCAPED = "a\\u202eb\\u2066c\\u200bd\\x85e\\U000e0041f";

test("what nobody can see becomes an escape, and what people write stays", () => {
  assert.equal(visible(TURNED), ESCAPED);
  assert.equal(visible("a\rb\r\nc\td\n"), "a\\rb\nc\td\n");
  assert.equal(visible("\ud800x \u26a0\ufe0f é ß 漢字 😀"), "\\ud800x \u26a0\ufe0f é ß 漢字 😀");
});

test("every component shows it so, in its text and in its attributes", () => {
  for (const piece of [
    renderToString(<Notice notice={{ kind: "error", what: TURNED, fix: TURNED }} />),
    renderToString(<Line index={0} line={[[TURNED, "skw-c1"]]} query="b" />),
    renderToString(
      <button type="button" title={TURNED} aria-label={TURNED}>
        {["x", [TURNED]]}
      </button>,
    ),
  ]) {
    assert.ok(!piece.includes("\u202e") && !piece.includes("\u200b"), piece);
    assert.ok(piece.includes("\\u202e"), piece);
  }
});

test("what is typed, and the value behind an option, stay as they are", () => {
  const html = renderToString(
    <select value="">
      <option value={TURNED}>{TURNED}</option>
    </select>,
  );
  assert.ok(html.includes(`value="${TURNED}"`) && html.includes(`>${ESCAPED}<`), html);
});

test("the vnode that Preact makes of a text, or of a number, passes", () => {
  for (const props of ["a text", 5]) {
    const vnode = { type: null, props };
    options.vnode(vnode);
    assert.deepEqual(vnode, { type: null, props });
  }
});
