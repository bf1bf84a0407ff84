import { FilesPane } from "./FilesPane.jsx";
import { WHOLE, bytes } from "./format.js";
import { useLife } from "./life.js";
import { useTrait, useView } from "./link.js";
import { message, plural } from "./messages.js";
import { Notice } from "./Notice.jsx";
import { SizeBar } from "./SizeBar.jsx";

export function LayersView({ link }) {
  const { model } = link;
  const [view, choose] = useView(link);
  const heading = useTrait(model, "heading");
  const images = useTrait(model, "images");
  const said = useTrait(model, "said");
  const alive = useLife(link);
  return (
    <section class="skw skl" aria-label={layersOf(images)}>
      <header class="skw-bar">
        <b class="skl-finding">{heading.finding}</b>
        {heading.facts.map((line) => (
          <p key={line} class="skw-dim">
            {line}
          </p>
        ))}
      </header>
      {!alive && <Notice notice={kernelGone()} />}
      <div class="skl-main">
        <div class="skl-layers" onKeyDown={walkLayers}>
          {images.length > 1 && <Difference view={view} choose={choose} />}
          {images.map((image) => (
            <ImageLayers key={image.side} image={image} view={view} choose={choose} />
          ))}
        </div>
        <FilesPane link={link} view={view} choose={choose} />
      </div>
      <div class="skw-said" role="status" aria-live="polite">
        {said}
      </div>
    </section>
  );
}

function layersOf([first, second]) {
  if (second) return message("Layers of {first} and {second}", { first: first.name, second: second.name });
  return message("Layers of {image}", { image: first.name });
}

const kernelGone = () => ({
  kind: "error",
  what: message("The kernel behind this view has ended; what you see is its last state."),
  fix: message("Run this cell again to go on."),
});

function Difference({ view, choose }) {
  return (
    <Choice isChosen={view.side === "difference"} onChoose={() => choose({ side: "difference", place: WHOLE })}>
      <span class="skw-line" aria-hidden="true">
        ±
      </span>
      <span class="skl-word">{message("What differs in the files")}</span>
    </Choice>
  );
}

export function ImageLayers({ image, view, choose }) {
  const { side, layers } = image;
  const isChosen = (place) => view.side === side && view.place === place;
  const largest = Math.max(1, ...layers.map((layer) => layer.size_bytes));
  return (
    <>
      <h4 title={image.name}>{image.name}</h4>
      <ul aria-label={message("Layers of {image}", { image: image.name })}>
        <li>
          <Choice isChosen={isChosen(WHOLE)} onChoose={() => choose({ side, place: WHOLE })}>
            <span class="skw-line" aria-hidden="true">
              Σ
            </span>
            <span class="skl-word">{message("All layers together")}</span>
            <span class="skl-bar" />
            <span class="skw-took">{bytes(image.bytes)}</span>
            <span class="skl-notes">{plural("{count:,} file", "{count:,} files", image.files)}</span>
          </Choice>
        </li>
        {layers.map((layer) => (
          <li key={layer.place}>
            <Choice isChosen={isChosen(layer.place)} onChoose={() => choose({ side, place: layer.place })} title={layer.command} label={spoken(layer)}>
              <span class="skw-line">{layer.place + 1}</span>
              <code>{layer.command}</code>
              <SizeBar value={layer.size_bytes} whole={largest} />
              <span class="skw-took">{bytes(layer.size_bytes)}</span>
              <span class="skl-notes">
                {notes(layer).map((note) => (
                  <span key={note}>{note}</span>
                ))}
              </span>
            </Choice>
          </li>
        ))}
      </ul>
      <Waste waste={image.waste} name={image.name} />
    </>
  );
}

function Choice({ isChosen, onChoose, title, label, children }) {
  return (
    <button type="button" class="skl-layer" aria-pressed={isChosen} title={title} aria-label={label} onClick={onChoose}>
      {children}
    </button>
  );
}

function notes(layer) {
  const found = [];
  if (layer.added) found.push(message("+{count:,} added", { count: layer.added }));
  if (layer.changed) found.push(message("~{count:,} changed", { count: layer.changed }));
  if (layer.removed) found.push(message("−{count:,} removed", { count: layer.removed }));
  if (layer.wasted_bytes) found.push(message("{size} wasted", { size: bytes(layer.wasted_bytes) }));
  if (layer.shared) found.push(message("= shared"));
  return found;
}

function spoken(layer) {
  const parts = [message("Layer {number}, {command}", { number: layer.place + 1, command: layer.command }), bytes(layer.size_bytes)];
  if (layer.added) parts.push(message("{count:,} added", { count: layer.added }));
  if (layer.changed) parts.push(message("{count:,} changed", { count: layer.changed }));
  if (layer.removed) parts.push(message("{count:,} removed", { count: layer.removed }));
  if (layer.wasted_bytes) parts.push(message("{size} wasted", { size: bytes(layer.wasted_bytes) }));
  if (layer.shared) parts.push(message("shared"));
  return parts.join(", ");
}

function Waste({ waste, name }) {
  if (!waste.length) return null;
  return (
    <>
      <h4>{message("Wasted most")}</h4>
      <ul aria-label={message("Most wasteful paths of {image}", { image: name })}>
        {waste.map((one) => (
          <li key={one.path} class="skl-waste">
            <span class="skw-took">{bytes(one.bytes)}</span>
            <code title={one.path}>{one.path}</code>
          </li>
        ))}
      </ul>
    </>
  );
}

function walkLayers(event) {
  const moves = { ArrowUp: -1, ArrowDown: 1 };
  if (!(event.key in moves)) return;
  const rows = [...event.currentTarget.querySelectorAll(".skl-layer")];
  const next = rows[rows.indexOf(event.target.closest(".skl-layer")) + moves[event.key]];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
