import { useTrait } from "./link.js";
import { LogPane } from "./LogPane.jsx";
import { Patched } from "./Patched.jsx";

export function StepsPane({ link, view, choose, goTo }) {
  const html = useTrait(link.model, "steps_html");
  const log = useTrait(link.model, "shown_log");
  const open = ({ target }) => {
    const row = target.closest("[data-line]");
    if (row) goTo(null, Number(row.dataset.line));
  };
  return (
    <div class="skw-steps">
      <Patched html={html} link={link} choose={choose} onKeyDown={walk} onDblClick={open} />
      <LogPane key={`${log.number}/${log.step}`} link={link} log={log} view={view} choose={choose} goTo={goTo} />
    </div>
  );
}

// Arrow keys walk the list, whatever stage the steps belong to.
function walk(event) {
  const moves = { ArrowUp: -1, ArrowDown: 1 };
  if (!(event.key in moves)) return;
  const rows = [...event.currentTarget.querySelectorAll(".skw-step")];
  const place = rows.indexOf(event.target.closest(".skw-step"));
  const next = rows[place + moves[event.key]];
  if (place < 0 || !next) return;
  event.preventDefault();
  next.focus();
}
