import { FilesPane } from "./FilesPane.tsx";
import { useKernelAlive } from "./kernel_alive.ts";
import { type Link, useTrait, useView } from "./link.ts";
import { message } from "./messages.ts";
import { Notice } from "./Notice.tsx";
import { Patched } from "./Patched.tsx";
import { arrowKeysWalk } from "./roving_focus.ts";
import type { LayersTraits, NoticeFacts } from "./traits.ts";

export function LayersView({ link }: { link: Link<LayersTraits> }) {
  const { model } = link;
  const [view, choose] = useView(link);
  const title = useTrait(model, "title");
  const heading = useTrait(model, "heading_html");
  const images = useTrait(model, "images_html");
  const announcement = useTrait(model, "said");
  const isAlive = useKernelAlive(model);
  return (
    <section class="skw skl" aria-label={title}>
      <header class="skw-bar">
        <Patched html={heading} link={link} />
      </header>
      {!isAlive && <Notice notice={kernelGone()} />}
      <div class="skl-main">
        <div class="skl-layers">
          <Patched html={images} link={link} view={view} choose={choose} onKeyDown={walkLayers} />
        </div>
        <FilesPane link={link} view={view} choose={choose} />
      </div>
      <div class="skw-said" role="status" aria-live="polite">
        {announcement}
      </div>
    </section>
  );
}

const kernelGone = (): NoticeFacts => ({
  kind: "error",
  what: message("The kernel behind this view has ended; what you see is its last state."),
  fix: message("Run this cell again to go on."),
});

const walkLayers = arrowKeysWalk(".skl-layer");
