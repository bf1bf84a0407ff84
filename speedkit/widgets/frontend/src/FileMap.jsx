import { useRef } from "preact/hooks";
import { useTrait } from "./link.js";
import { Patched } from "./Patched.jsx";
import { focusRow, letTabReach, placeOf } from "./roving.js";

const MOVES = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };

// Folders and files as boxes, each as large as its bytes. Python lays them out and renders them.
export function FileMap({ link, choose, show }) {
  const html = useTrait(link.model, "map_html");
  const at = useRef(0);
  const onBox = (run) => (event) => {
    const boxes = boxesOf(event.currentTarget);
    const place = boxes.indexOf(event.target.closest(".skl-box"));
    if (place >= 0) run(event, boxes, place);
  };
  return (
    <Patched
      html={html}
      link={link}
      choose={choose}
      patched={(box) => {
        const boxes = boxesOf(box);
        at.current = placeOf(boxes, at.current);
        letTabReach(boxes, at.current);
      }}
      onFocusIn={onBox((_event, boxes, place) => {
        at.current = place;
        letTabReach(boxes, place);
      })}
      onClick={onBox((_event, boxes, place) => {
        const { path, kind } = boxes[place].dataset;
        if (kind === "folder") choose({ folder: path });
        else if (kind === "file") show(path);
      })}
      onKeyDown={onBox((event, boxes, place) => {
        if (!(event.key in MOVES)) return;
        event.preventDefault();
        focusRow(boxes, place + MOVES[event.key]);
      })}
    />
  );
}

const boxesOf = (box) => [...box.querySelectorAll(".skl-box")];
