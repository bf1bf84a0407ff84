import assert from "node:assert/strict";
import { test } from "node:test";
import { languageOf, smallestChange, withPlainLineEnds } from "../src/code_editor.ts";
import { fitting } from "../src/Tabs.tsx";

test("Dockerfiles and Go are told by their names", () => {
  const names = ["./Dockerfile", "Dockerfile.dev", "app.dockerfile", "cmd/main.go", "go.mod", "Dockerfiles.txt"];
  assert.deepEqual(names.map(languageOf), ["dockerfile", "dockerfile", "dockerfile", "go", "text", "text"]);
});

test("a text from Python changes only what differs, so that the cursor stays", () => {
  const apply = (text, { from, to, insert }) => text.slice(0, from) + insert + text.slice(to);
  for (const [old, text] of [
    ["abc", "abXc"],
    ["aaaa", "aaa"],
    ["", "x"],
    ["x", ""],
    ["same", "same"],
    ["aba", "ababa"],
  ]) {
    assert.equal(apply(old, smallestChange(old, text)), text);
  }
  assert.deepEqual(smallestChange("one two three", "one 2 three"), { from: 4, to: 7, insert: "2" });
});

test("a file keeps the line ends it has", () => {
  assert.deepEqual(withPlainLineEnds("a\r\nb\r\n"), ["a\nb\n", "\r\n"]);
  assert.deepEqual(withPlainLineEnds("a\nb\r\n"), ["a\nb\r\n", "\n"]);
  assert.deepEqual(withPlainLineEnds("a\rb"), ["a\rb", "\n"]);
  assert.deepEqual(withPlainLineEnds("plain\n"), ["plain\n", "\n"]);
});

test("as many tabs as fit, the open one always, the others in the list", () => {
  const files = ["main.go", "Dockerfile", "go.mod", ".dockerignore", "README.md"].map((label) => ({ label, changed: false }));
  const shown = (open, width) => fitting(files, open, width).map(({ label }) => label);
  assert.deepEqual(
    shown(files[0], 600),
    files.map(({ label }) => label),
  );
  assert.deepEqual(shown(files[0], 400), ["main.go", "Dockerfile", "go.mod"]);
  assert.deepEqual(shown(files[4], 300), ["main.go", "README.md"]);
  assert.deepEqual(shown(files[4], 10), ["README.md"]);
  assert.deepEqual(shown(undefined, 600).length, 5);
});
