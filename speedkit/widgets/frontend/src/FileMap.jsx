import { useRef, useState } from "preact/hooks";
import { CHANGE, bytes } from "./format.js";
import { message } from "./messages.js";

// Folders and files as boxes, each as large as its bytes. Python lays them out.
export function FileMap({ map, view, choose, show }) {
  const all = useRef(null);
  const [at, setAt] = useState(0);
  const walk = (event) => {
    const moves = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };
    if (!(event.key in moves)) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(map.boxes.length - 1, at + moves[event.key]));
    all.current.children[next]?.focus();
  };
  return (
    <div class="skl-around">
      <Trail map={map} choose={choose} />
      <div class="skl-map" ref={all} role="group" aria-label={message("{folder} {order}", { folder: map.folder, order: map.note })} onKeyDown={walk}>
        {map.boxes.map((box, index) => (
          <MapBox
            key={`${box.kind === "more"}${box.path}`}
            box={box}
            isShown={view.file === box.path}
            isAt={index === Math.min(at, map.boxes.length - 1)}
            onFocus={() => setAt(index)}
            onPress={() => {
              if (box.opened !== null) choose({ folder: box.path });
              else if (box.kind !== "more") show(box.path);
            }}
          />
        ))}
        {!map.boxes.length && <p class="skw-hint">{message("Nothing here has any bytes.")}</p>}
      </div>
    </div>
  );
}

function Trail({ map, choose }) {
  const { folder } = map;
  const names = folder.split("/").filter(Boolean);
  return (
    <nav class="skl-trail" aria-label={message("Folders around the map")}>
      {["", ...names].map((name, index) => {
        const path = `/${names.slice(0, index).join("/")}`;
        return (
          <button key={path} type="button" disabled={path === folder} onClick={() => choose({ folder: path })}>
            {index === 0 ? "/" : name}
          </button>
        );
      })}
      <span class="skw-dim">{message("{size} {order}", { size: bytes(map.bytes), order: map.note })}</span>
    </nav>
  );
}

export function MapBox({ box, isShown, isAt, onFocus, onPress }) {
  const change = CHANGE[box.state];
  const size = bytes(box.bytes);
  const place = Object.fromEntries(["left", "top", "width", "height"].map((side) => [side, `${100 * box[side]}%`]));
  return (
    <button
      type="button"
      class={`skl-box skl-deep-${box.depth}`}
      style={place}
      tabIndex={isAt ? 0 : -1}
      aria-pressed={isShown}
      aria-label={[box.path, change && message(change.word), size, box.opened === null ? "" : message("folder")].filter(Boolean).join(", ")}
      title={`${box.path}, ${size}`}
      onFocus={onFocus}
      onClick={onPress}
    >
      {box.is_labelled && (
        <span class="skl-label">
          {change ? `${change.sign} ` : ""}
          {box.name} <small>{size}</small>
        </span>
      )}
    </button>
  );
}
