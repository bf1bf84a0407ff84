import { FilesPane } from "./FilesPane.jsx";
import { useLife } from "./life.js";
import { useTrait, useView } from "./link.js";
import { message } from "./messages.js";
import { Notice } from "./Notice.jsx";
import { Patched } from "./Patched.jsx";

export function LayersView({ link }) {
  const { model } = link;
  const [view, choose] = useView(link);
  const title = useTrait(model, "title");
  const heading = useTrait(model, "heading_html");
  const images = useTrait(model, "images_html");
  const said = useTrait(model, "said");
  const alive = useLife(link);
  return (
    <section class="skw skl" aria-label={title}>
      <header class="skw-bar">
        <Patched html={heading} link={link} />
      </header>
      {!alive && <Notice notice={kernelGone()} />}
      <div class="skl-main">
        <div class="skl-layers">
          <Patched html={images} link={link} choose={choose} onKeyDown={walkLayers} />
        </div>
        <FilesPane link={link} view={view} choose={choose} />
      </div>
      <div class="skw-said" role="status" aria-live="polite">
        {said}
      </div>
    </section>
  );
}

const kernelGone = () => ({
  kind: "error",
  what: message("The kernel behind this view has ended; what you see is its last state."),
  fix: message("Run this cell again to go on."),
});

function walkLayers(event) {
  const moves = { ArrowUp: -1, ArrowDown: 1 };
  if (!(event.key in moves)) return;
  const rows = [...event.currentTarget.querySelectorAll(".skl-layer")];
  const next = rows[rows.indexOf(event.target.closest(".skl-layer")) + moves[event.key]];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
