import { type GoTo, LogPane } from "./LogPane.tsx";
import { type Choose, type Link, useTrait } from "./link.ts";
import { Patched } from "./Patched.tsx";
import { arrowKeysWalk, rowOf } from "./roving_focus.ts";
import type { WorkbenchTraits, WorkbenchView } from "./traits.ts";

type Props = { link: Link<WorkbenchTraits>; view: WorkbenchView; choose: Choose<WorkbenchView>; goTo: GoTo };

export function StepsPane({ link, view, choose, goTo }: Props) {
  const html = useTrait(link.model, "steps_html");
  const log = useTrait(link.model, "shown_log");
  const openLine = (event: { target: EventTarget | null }) => {
    const row = rowOf(event, "[data-line]");
    if (row) goTo(null, Number(row.dataset.line));
  };
  return (
    <div class="skw-steps">
      <Patched html={html} link={link} view={view} choose={choose} onKeyDown={walkSteps} onDblClick={openLine} />
      <LogPane key={`${log.number}/${log.step}`} link={link} log={log} view={view} choose={choose} goTo={goTo} />
    </div>
  );
}

// Whatever stage the steps belong to.
const walkSteps = arrowKeysWalk(".skw-step");
