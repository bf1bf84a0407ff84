import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { FileMap } from "./FileMap.tsx";
import { FileTree } from "./FileTree.tsx";
import { type Choose, type Link, useTrait } from "./link.ts";
import { marked, message } from "./messages.ts";
import { Patched } from "./Patched.tsx";
import type { LayersChoices, LayersTraits } from "./traits.ts";

const QUERY_PAUSE_MS = 200;
const PANES = [
  ["files", marked("Files")],
  ["map", marked("Map")],
];

type Props = { link: Link<LayersTraits>; view: LayersChoices; choose: Choose<LayersChoices> };

export function FilesPane({ link, view, choose }: Props) {
  const title = useTrait(link.model, "files_title_html");
  const content = useTrait(link.model, "content_html");
  const search = useRef<HTMLInputElement>(null);
  // Ends the search and opens a folder of its result, with every folder around it.
  const reveal = (path: string) => {
    if (search.current) search.current.value = "";
    choose({ query: "" });
    let folder = "";
    for (const name of path.split("/").slice(1)) {
      folder = `${folder}/${name}`;
      link.tell("open", { path: folder, open: true });
    }
  };
  const toggleFile = (path: string) => choose({ file: view.file === path ? null : path });
  return (
    <div class="skl-files">
      <div class="skl-title">
        <Patched html={title} link={link} />
      </div>
      <Tools view={view} choose={choose} search={search} />
      {view.pane === "map" ? (
        <FileMap link={link} choose={choose} toggleFile={toggleFile} />
      ) : (
        <FileTree link={link} view={view} choose={choose} toggleFile={toggleFile} reveal={reveal} />
      )}
      <Patched html={content} link={link} choose={choose} />
    </div>
  );
}

type ToolsProps = { view: LayersChoices; choose: Choose<LayersChoices>; search: RefObject<HTMLInputElement | null> };

function Tools({ view, choose, search }: ToolsProps) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const searchSoon = (query: string) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => choose({ query, pane: "files" }), QUERY_PAUSE_MS);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <div class="skw-tools">
      <span class="skl-panes" role="group" aria-label={message("Show as")}>
        {PANES.map(([pane, word]) => (
          <button key={pane} type="button" aria-pressed={view.pane === pane} onClick={() => choose({ pane })}>
            {message(word)}
          </button>
        ))}
      </span>
      <label class="skw-field">
        {message("Sort")}
        <select value={view.by} onChange={(event) => choose({ by: event.currentTarget.value })}>
          <option value="size">{message("by size")}</option>
          <option value="name">{message("by name")}</option>
        </select>
      </label>
      <span class="skw-grow" />
      <input
        ref={search}
        type="search"
        aria-label={message("Search in the paths")}
        placeholder={message("Search paths")}
        defaultValue={view.query}
        onInput={(event) => searchSoon(event.currentTarget.value.trim())}
      />
    </div>
  );
}
