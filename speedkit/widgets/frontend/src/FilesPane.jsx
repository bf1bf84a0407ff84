import { useEffect, useRef } from "preact/hooks";
import { FileMap } from "./FileMap.jsx";
import { FileTree } from "./FileTree.jsx";
import { useTrait } from "./link.js";
import { marked, message } from "./messages.js";

const QUERY_PAUSE_MS = 200;
const PANES = [
  ["files", marked("Files")],
  ["map", marked("Map")],
];

export function FilesPane({ link, view, choose }) {
  const tree = useTrait(link.model, "tree");
  const map = useTrait(link.model, "map");
  const content = useTrait(link.model, "content");
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
        <b title={tree.title}>{tree.title}</b>
        <span class="skw-dim">{tree.facts}</span>
      </div>
      <Tools view={view} choose={choose} search={search} />
      {view.pane === "map" ? (
        <FileMap map={map} view={view} choose={choose} show={show} />
      ) : (
        <FileTree link={link} tree={tree} view={view} show={show} reveal={reveal} />
      )}
      <Content content={content} onClose={() => choose({ file: null })} />
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

export function Content({ content, onClose }) {
  if (content.state === "nothing") return null;
  return (
    <div class="skl-content">
      <div class="skl-title">
        <b title={content.path}>{content.path}</b>
        <span class={content.state === "refused" ? "skw-bad" : "skw-dim"}>
          {content.state === "refused" ? "✗ " : ""}
          {content.note}
        </span>
        <button type="button" aria-label={message("Close this file")} onClick={onClose}>
          ×
        </button>
      </div>
      {content.text && (
        <pre class="skl-text" tabIndex={0} aria-label={message("Content of {file}", { file: content.path })}>
          {content.text}
        </pre>
      )}
    </div>
  );
}
