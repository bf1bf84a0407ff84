import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Bar } from "./Bar.tsx";
import { type EditorHandle, EditorPane } from "./EditorPane.tsx";
import { useKernelAlive } from "./kernel_alive.ts";
import { type Link, type Model, type Tell, useTrait, useView } from "./link.ts";
import { message } from "./messages.ts";
import { Notice } from "./Notice.tsx";
import { Patched } from "./Patched.tsx";
import { StepsPane } from "./StepsPane.tsx";
import type { NoticeFacts, Running, WorkbenchTraits } from "./traits.ts";

export function Workbench({ link }: { link: Link<WorkbenchTraits> }) {
  const { model } = link;
  const [view, choose] = useView(link);
  const app = useTrait(model, "app_facts");
  const running = useTrait(model, "running");
  const notice = useTrait(model, "notice");
  const builds = useTrait(model, "builds_html");
  const isAlive = useKernelAlive(model);
  const editor = useRef<EditorHandle>(null);
  useEffect(() => link.keepClock(), [link]);
  // Python gets what is typed before it acts.
  const act: Tell = (type, content) => {
    editor.current?.flush();
    link.tell(type, content);
  };
  return (
    <section
      class="skw"
      aria-label={message("Workbench for {app}", { app: app.name })}
      onKeyDown={(event) => buildOnKey(event, act, running)}
    >
      <Bar link={link} running={running} act={act} isAlive={isAlive} />
      {!isAlive && <Notice notice={kernelGone()} />}
      {isAlive && notice && <Notice notice={notice} onClose={() => act("dismiss")} onRetry={() => act("retry")} />}
      <div class="skw-main">
        <EditorPane link={link} view={view} choose={choose} act={act} handle={editor} />
        <StepsPane link={link} view={view} choose={choose} goTo={(path, line) => editor.current?.goTo(path, line)} />
      </div>
      <div class="skw-foot">
        <Patched html={builds} link={link} view={view} choose={choose} />
      </div>
      <Announcer model={model} />
    </section>
  );
}

const kernelGone = (): NoticeFacts => ({
  kind: "error",
  what: message("The kernel behind this workbench has ended; what you see is its last state."),
  fix: message("Run this cell again to go on."),
});

function buildOnKey(event: TargetedKeyboardEvent<HTMLElement>, act: Tell, running: Running) {
  const isBuildKey = event.key === "Enter" && (event.ctrlKey || event.metaKey);
  if (!isBuildKey || event.defaultPrevented) return;
  event.preventDefault();
  event.stopPropagation();
  if (!running.number) act("build");
}

// What a screen reader says when a build moves on.
function Announcer({ model }: { model: Model<WorkbenchTraits> }) {
  const announcement = useTrait(model, "said");
  return (
    <div class="skw-said" role="status" aria-live="polite">
      {announcement}
    </div>
  );
}
