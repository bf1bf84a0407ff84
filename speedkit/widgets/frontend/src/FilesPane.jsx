import { useEffect, useRef } from "preact/hooks";
import { FileMap } from "./FileMap.jsx";
import { FileTree } from "./FileTree.jsx";
import { useTrait } from "./link.js";
import { marked, message } from "./messages.js";
import { Patched } from "./Patched.jsx";

const QUERY_PAUSE_MS = 200;
const PANES = [
  ["files", marked("Files")],
  ["map", marked("Map")],
];

export function FilesPane({ link, view, choose }) {
  const title = useTrait(link.model, "files_title_html");
  const content = useTrait(link.model, "content_html");
  const search = useRef(null);
  // Opens all that is around a folder that was found, and the folder itself.
  const reveal = (path) => {
    search.current.value = "";
    choose({ query: "" });
    path.split("/").slice(1).reduce((above, name) => {
      link.tell("open", { path: `${above}/${name}`, open: true });
      return `${above}/${name}`;
    }, "");
  };
  const show = (path) => choose({ file: view.file === path ? null : path });
  return (
    <div class="skl-files">
      <div class="skl-title">
        <Patched html={title} link={link} />
      </div>
      <Tools view={view} choose={choose} search={search} />
      {view.pane === "map" ? (
        <FileMap link={link} choose={choose} show={show} />
      ) : (
        <FileTree link={link} view={view} choose={choose} show={show} reveal={reveal} />
      )}
      <Patched html={content} link={link} choose={choose} />
    </div>
  );
}

function Tools({ view, choose, search }) {
  const timer = useRef(null);
  const look = (query) => {
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
        onInput={(event) => look(event.currentTarget.value.trim())}
      />
    </div>
  );
}
