import assert from "node:assert/strict";
import { test } from "node:test";
import { renderToString } from "preact-render-to-string";
import { MapBox } from "../src/FileMap.jsx";
import { Content } from "../src/FilesPane.jsx";
import { FileRow } from "../src/FileTree.jsx";
import { ImageLayers } from "../src/LayersView.jsx";

const EVIL = "</script><img src=x onerror=alert(1)>";
const file = { path: "/a", name: "a", depth: 1, kind: "file", size_bytes: 2000, before_bytes: 0, files: 1, state: "", place: 2, link: "", note: "", opened: null };
const layer = { place: 0, command: "RUN make", size_bytes: 3_000_000, added: 1200, changed: 0, removed: 1, wasted_bytes: 50, shared: true };
const view = { side: "first", place: -1, file: null };
const row = (changes, isWhole = true) => renderToString(<FileRow row={{ ...file, ...changes }} whole={4000} isWhole={isWhole} isShown={false} isAt={false} />);
const layers = (changes) =>
  renderToString(<ImageLayers image={{ side: "first", name: "app:1", bytes: 1, files: 1, waste: [{ path: `/a${EVIL}`, bytes: 7 }], layers: [{ ...layer, ...changes }] }} view={view} choose={() => {}} />);

test("markup in names, paths, commands and contents stays text", () => {
  const box = { ...file, bytes: 1, is_labelled: true, path: EVIL, name: EVIL, left: 0, top: 0, width: 1, height: 1, depth: 1 };
  const pieces = [
    row({ name: EVIL, path: EVIL, link: EVIL, note: EVIL }),
    layers({ command: EVIL }),
    renderToString(<MapBox box={box} />),
    renderToString(<Content content={{ path: EVIL, state: "text", text: EVIL, note: EVIL }} />),
  ];
  for (const piece of pieces) {
    assert.ok(!/<(img|script)/.test(piece), piece);
    assert.ok(piece.includes("&lt;"), piece);
  }
});

test("what a layer does to a file is told by a sign and a word", () => {
  for (const [state, told] of Object.entries({ added: "+ added", changed: "~ changed", removed: "− removed" })) {
    assert.ok(row({ state }).includes(told), state);
  }
  assert.ok(row({}).includes("layer 3"));
  assert.ok(!row({}, false).includes("layer 3"));
});

test("a changed file shows both sizes, a removed one what it had", () => {
  assert.ok(row({ state: "changed", before_bytes: 1000 }).includes("1.0 kB → 2.0 kB"));
  assert.ok(row({ state: "removed", before_bytes: 7000, size_bytes: 0 }).includes("7.0 kB"));
});

test("a screen reader hears name, change and size, and whether a folder is open", () => {
  const html = row({ opened: true, kind: "directory", files: 3, state: "added" });
  assert.match(html, /aria-label="a, added, 3 files, 2.0 kB"/);
  assert.match(html, /aria-expanded="true"/);
  assert.match(html, /aria-level="2"/);
  assert.ok(!row({}).includes("aria-expanded"));
});

test("a layer says its counts, its waste and that it is shared", () => {
  const html = layers({});
  for (const told of ["+1,200 added", "−1 removed", "50 bytes wasted", "= shared", "7 bytes"]) assert.ok(html.includes(told), told);
  assert.match(html, /aria-label="Layer 1, RUN make, 3.0 MB, 1,200 added, 1 removed, 50 bytes wasted, shared"/);
});
