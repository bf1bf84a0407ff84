import { type Choose, type Link, useTrait } from "./link.ts";
import { Patched } from "./Patched.tsx";
import { focusRow, pathOf, rowsHandler, useTabStop } from "./roving_focus.ts";
import type { LayersChoices, LayersTraits } from "./traits.ts";

const MOVES: Record<string, number> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };
const BOX = ".skl-box";

type Props = { link: Link<LayersTraits>; choose: Choose<LayersChoices>; toggleFile: (path: string) => void };

// Folders and files as boxes, each as large as its bytes. Python lays them out and renders them.
export function FileMap({ link, choose, toggleFile }: Props) {
  const html = useTrait(link.model, "map_html");
  const tabStop = useTabStop(BOX);
  return (
    <Patched
      html={html}
      link={link}
      choose={choose}
      patched={tabStop.patched}
      onFocusIn={tabStop.onFocusIn}
      onClick={rowsHandler(BOX, (_event, boxes, place) => {
        const path = pathOf(boxes[place]);
        const { kind } = boxes[place].dataset;
        if (kind === "folder") choose({ folder: path });
        else if (kind === "file") toggleFile(path);
      })}
      onKeyDown={rowsHandler(BOX, (event, boxes, place) => {
        if (!(event.key in MOVES)) return;
        event.preventDefault();
        focusRow(boxes, place + MOVES[event.key]);
      })}
    />
  );
}
