import { useEffect, useRef, useState } from "preact/hooks";
import { CodeEditor } from "./code_editor.js";
import { useTrait } from "./link.js";
import { message } from "./messages.js";
import { Outbox } from "./outbox.js";
import { Tabs } from "./Tabs.jsx";

const CARET_PAUSE_MS = 400;

export function EditorPane({ link, view, choose, act, handle }) {
  const { model } = link;
  const files = useTrait(model, "files");
  const marks = useTrait(model, "marks");
  const forecast = useTrait(model, "forecast");
  const holder = useRef(null);
  const desk = useDesk(link, holder, act, choose);
  const open = files.find(({ path }) => path === view.tab) ?? files[0];
  useTexts(link, desk, files);
  const original = useOriginal(link, view.diff && open?.state === "text" ? open : null);

  useEffect(() => {
    if (!desk || !open || open.state === "refused" || !desk.editor.has(open.path)) return;
    desk.editor.show(open.path, {
      marks: marks.filter(({ path }) => path === open.path),
      forecast: open.is_dockerfile ? forecast : [],
      original,
    });
    if (!desk.placed.current) desk.editor.moveTo(open.path, view.caret);
    desk.placed.current = true;
  }, [desk, desk?.loaded, open?.path, open?.state, marks, forecast, original]);

  handle.current = {
    flush: () => desk?.outbox.flush(),
    goTo(path, line) {
      const place = path === null ? files.find((file) => file.is_dockerfile)?.path : path;
      if (place !== undefined && place !== open?.path) choose({ tab: place });
      setTimeout(() => desk?.editor.goTo(line), 60);
    },
  };

  const isHidden = !open || open.state === "refused" || !desk?.editor.has(open.path);
  return (
    <div class="skw-editor">
      <Tabs files={files} open={open} choose={choose} />
      <Tools open={open} view={view} choose={choose} act={act} find={() => desk?.editor.find()} />
      {open?.state === "missing" && (
        <p class="skw-hint skw-bad" role="note">
          ✗ {message("{file} was removed on disk. Type to write it again, or reset it.", { file: open.label })}
        </p>
      )}
      <div
        role="tabpanel"
        id={`skw-panel-${link.page}`}
        aria-label={open ? message("File {file}", { file: open.label }) : message("No file")}
        class={`skw-code${isHidden ? " skw-away" : ""}`}
        ref={holder}
      />
      {open?.state === "refused" && (
        <div class="skw-empty" role="note">
          <b>{message("{file} is not shown here", { file: open.label })}</b>
          <p>{open.reason}</p>
        </div>
      )}
      {!open && <div class="skw-empty">{message("This app has no text files.")}</div>}
    </div>
  );
}

function Tools({ open, view, choose, act, find }) {
  return (
    <div class="skw-tools" role="group" aria-label={message("This file")}>
      <span class="skw-path" title={open?.label}>
        {open?.label}
        {open?.changed ? `, ${message("changed")}` : ""}
      </span>
      <button type="button" onClick={find} title={message("Search in this file (Ctrl F)")}>
        {message("Find")}
      </button>
      <button type="button" aria-pressed={view.diff} onClick={() => choose({ diff: !view.diff })}>
        {message("Show changes")}
      </button>
      <button type="button" disabled={!open?.changed} onClick={() => act("reset", { path: open.path })}>
        {message("Reset file")}
      </button>
      <button type="button" onClick={() => act("reset_all")}>
        {message("Reset all")}
      </button>
    </div>
  );
}

function useDesk(link, holder, act, choose) {
  const [desk, setDesk] = useState(null);
  const [loaded, setLoaded] = useState(0);
  const placed = useRef(false);
  const latest = useRef({});
  latest.current = { act, choose };
  useEffect(() => {
    const outbox = new Outbox((path, text) => link.tell("text", { path, text }));
    let resting = null;
    const rest = (path, caret) => {
      clearTimeout(resting);
      resting = setTimeout(() => editor.path === path && latest.current.choose({ caret }), CARET_PAUSE_MS);
    };
    const editor = new CodeEditor(holder.current, {
      change: (path, text) => outbox.put(path, text),
      move: rest,
      build: () => latest.current.act("build"),
      save: () => outbox.flush(),
    });
    const hurry = () => outbox.flush();
    window.addEventListener("pagehide", hurry);
    setDesk({ editor, outbox });
    return () => {
      window.removeEventListener("pagehide", hurry);
      clearTimeout(resting);
      outbox.flush();
      editor.destroy();
    };
  }, [link]);
  return desk && { ...desk, loaded, placed, arrived: () => setLoaded((n) => n + 1) };
}

// Fetches a file's text when Python has a version that was not typed on this page.
function useTexts(link, desk, files) {
  const seen = useRef(new Map());
  useEffect(() => {
    if (!desk) return;
    for (const file of files) {
      if (file.state !== "text" || seen.current.get(file.path) === file.version) continue;
      seen.current.set(file.path, file.version);
      if (file.by === link.page && desk.editor.has(file.path)) continue;
      link.askUntilAnswered("read", { path: file.path }).then((answer) => {
        if (answer?.text === undefined || desk.outbox.holds(file.path)) return;
        desk.editor.load(file.path, answer.text);
        desk.arrived();
      });
    }
  }, [desk?.editor, files]);
}

function useOriginal(link, file) {
  const [original, setOriginal] = useState(null);
  useEffect(() => {
    let isWanted = true;
    setOriginal(null);
    if (file) link.askUntilAnswered("original", { path: file.path }).then((answer) => isWanted && setOriginal(answer?.text ?? null));
    return () => {
      isWanted = false;
    };
  }, [file?.path, file === null]);
  return original;
}
