import { useEffect, useRef } from "preact/hooks";
import { Bar } from "./Bar.jsx";
import { EditorPane } from "./EditorPane.jsx";
import { useLife } from "./life.js";
import { useTrait, useView } from "./link.js";
import { message } from "./messages.js";
import { Notice } from "./Notice.jsx";
import { Patched } from "./Patched.jsx";
import { StepsPane } from "./StepsPane.jsx";

export function Workbench({ link }) {
  const { model } = link;
  const [view, choose] = useView(link);
  const app = useTrait(model, "app_facts");
  const running = useTrait(model, "running");
  const notice = useTrait(model, "notice");
  const builds = useTrait(model, "builds_html");
  const alive = useLife(link);
  const editor = useRef(null);
  useEffect(() => link.keepClock(), [link]);
  const act = (type, content) => {
    editor.current?.flush();
    link.tell(type, content);
  };
  return (
    <section class="skw" aria-label={message("Workbench for {app}", { app: app.name })} onKeyDown={(event) => buildOnKey(event, act, running)}>
      <Bar link={link} running={running} act={act} alive={alive} />
      {!alive && <Notice notice={kernelGone()} />}
      {alive && notice && <Notice notice={notice} onClose={() => act("dismiss")} onRetry={() => act("retry")} />}
      <div class="skw-main">
        <EditorPane link={link} view={view} choose={choose} act={act} handle={editor} />
        <StepsPane link={link} view={view} choose={choose} goTo={(path, line) => editor.current?.goTo(path, line)} />
      </div>
      <div class="skw-foot">
        <Patched html={builds} link={link} choose={choose} />
      </div>
      <Announcer model={model} />
    </section>
  );
}

const kernelGone = () => ({
  kind: "error",
  what: message("The kernel behind this workbench has ended; what you see is its last state."),
  fix: message("Run this cell again to go on."),
});

function buildOnKey(event, act, running) {
  const wanted = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  if (!wanted || event.defaultPrevented) return;
  event.preventDefault();
  event.stopPropagation();
  if (!running.number) act("build");
}

// What a screen reader says when a build moves on.
function Announcer({ model }) {
  const said = useTrait(model, "said");
  return (
    <div class="skw-said" role="status" aria-live="polite">
      {said}
    </div>
  );
}
