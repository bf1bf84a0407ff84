import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { CodeEditor } from "./code_editor.ts";
import { type Choose, type Link, type Tell, useTrait } from "./link.ts";
import { factsInOne, message } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { Tabs } from "./Tabs.tsx";
import type { FileTab, WorkbenchTraits, WorkbenchView } from "./traits.ts";

const CARET_PAUSE_MS = 400;
// After a choice of another tab, so long until the editor shows the file.
const TAB_PAUSE_MS = 60;

// What the rest of the page does with the editor. path: null for the Dockerfile.
export type EditorHandle = { flush: () => void; goTo: (path: string | null, line: number) => void };

type Props = {
  link: Link<WorkbenchTraits>;
  view: WorkbenchView;
  choose: Choose<WorkbenchView>;
  act: Tell;
  handle: RefObject<EditorHandle | null>;
};

export function EditorPane({ link, view, choose, act, handle }: Props) {
  const { model } = link;
  const files = useTrait(model, "files");
  const marks = useTrait(model, "marks");
  const forecast = useTrait(model, "forecast");
  const holder = useRef<HTMLDivElement>(null);
  const session = useSession(link, holder, act, choose);
  const open: FileTab | undefined = files.find(({ path }) => path === view.tab) ?? files[0];
  useTexts(link, session, files);
  const original = useOriginal(link, view.diff && open?.state === "text" ? open : null);

  useEffect(() => {
    if (!session || !open || open.state === "refused" || !session.editor.has(open.path)) return;
    session.editor.show(open.path, {
      marks: marks.filter(({ path }) => path === open.path),
      forecast: open.is_dockerfile ? forecast : [],
      original,
    });
    if (!session.isCaretPlaced.current) session.editor.moveTo(open.path, view.caret);
    session.isCaretPlaced.current = true;
  }, [session, session?.loadCount, open?.path, open?.state, marks, forecast, original]);

  handle.current = {
    flush: () => session?.outbox.flush(),
    goTo(path, line) {
      const target = path === null ? files.find((file) => file.is_dockerfile)?.path : path;
      if (target !== undefined && target !== open?.path) choose({ tab: target });
      setTimeout(() => session?.editor.goTo(line), TAB_PAUSE_MS);
    },
  };

  const isHidden = !open || open.state === "refused" || !session?.editor.has(open.path);
  return (
    <div class="skw-editor">
      <Tabs files={files} open={open} choose={choose} />
      <Tools open={open} view={view} choose={choose} act={act} find={() => session?.editor.find()} />
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

type ToolsProps = { open: FileTab | undefined; view: WorkbenchView; choose: Choose<WorkbenchView>; act: Tell; find: () => void };

function Tools({ open, view, choose, act, find }: ToolsProps) {
  return (
    <div class="skw-tools" role="group" aria-label={message("This file")}>
      <span class="skw-path" title={open?.label}>
        {factsInOne([open?.label ?? "", open?.changed ? message("changed") : ""])}
      </span>
      <button type="button" onClick={find} title={message("Search in this file (Ctrl F)")}>
        {message("Find")}
      </button>
      <button type="button" aria-pressed={view.diff} onClick={() => choose({ diff: !view.diff })}>
        {message("Show changes")}
      </button>
      <button type="button" disabled={!open?.changed} onClick={() => open && act("reset", { path: open.path })}>
        {message("Reset file")}
      </button>
      <button type="button" onClick={() => act("reset_all")}>
        {message("Reset all")}
      </button>
    </div>
  );
}

// The editor of this page, with what waits to be sent. loadCount: how often a text from Python was put into it.
type Session = {
  editor: CodeEditor;
  outbox: Outbox;
  loadCount: number;
  isCaretPlaced: RefObject<boolean>;
  countLoad: () => void;
};

function useSession(
  link: Link<WorkbenchTraits>,
  holder: RefObject<HTMLDivElement | null>,
  act: Tell,
  choose: Choose<WorkbenchView>,
): Session | null {
  const [parts, setParts] = useState<{ editor: CodeEditor; outbox: Outbox } | null>(null);
  const [loadCount, setLoadCount] = useState(0);
  const isCaretPlaced = useRef(false);
  // The editor outlives many paintings; its events call what the last one was given.
  const latest = useRef({ act, choose });
  latest.current = { act, choose };
  useEffect(() => {
    if (!holder.current) return;
    const outbox = new Outbox((path, text) => link.tell("text", { path, text }));
    let caretTimer: ReturnType<typeof setTimeout> | undefined;
    const caretMoved = (path: string, caret: number) => {
      clearTimeout(caretTimer);
      caretTimer = setTimeout(() => editor.path === path && latest.current.choose({ caret }), CARET_PAUSE_MS);
    };
    const editor = new CodeEditor(holder.current, {
      change: (path, text) => outbox.put(path, text),
      move: caretMoved,
      build: () => latest.current.act("build"),
      save: () => outbox.flush(),
    });
    const sendNow = () => outbox.flush();
    window.addEventListener("pagehide", sendNow);
    setParts({ editor, outbox });
    return () => {
      window.removeEventListener("pagehide", sendNow);
      clearTimeout(caretTimer);
      outbox.flush();
      editor.destroy();
    };
  }, [link]);
  return parts && { ...parts, loadCount, isCaretPlaced, countLoad: () => setLoadCount((count) => count + 1) };
}

// Fetches a file's text when Python has a version that was not typed on this page.
function useTexts(link: Link<WorkbenchTraits>, session: Session | null, files: FileTab[]) {
  const versions = useRef(new Map<string, number>());
  useEffect(() => {
    if (!session) return;
    for (const file of files) {
      if (file.state !== "text" || versions.current.get(file.path) === file.version) continue;
      versions.current.set(file.path, file.version);
      if (file.by === link.page && session.editor.has(file.path)) continue;
      link.askUntilAnswered("read", { path: file.path }).then((answer) => {
        if (answer.text === undefined || session.outbox.holds(file.path)) return;
        session.editor.load(file.path, answer.text);
        session.countLoad();
      });
    }
  }, [session?.editor, files]);
}

// What a file said before anything was changed; null until Python has answered.
function useOriginal(link: Link<WorkbenchTraits>, file: FileTab | null) {
  const [original, setOriginal] = useState<string | null>(null);
  useEffect(() => {
    let isCurrent = true;
    setOriginal(null);
    if (file) {
      link.askUntilAnswered("original", { path: file.path }).then((answer) => {
        if (isCurrent) setOriginal(answer.text ?? null);
      });
    }
    return () => {
      isCurrent = false;
    };
  }, [file?.path, file === null]);
  return original;
}
