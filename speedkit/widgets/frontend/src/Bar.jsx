import { useState } from "preact/hooks";
import { useTrait } from "./link.js";
import { message } from "./messages.js";
import { Patched } from "./Patched.jsx";

export function Bar({ link, running, act, alive }) {
  const { model } = link;
  const outlook = useTrait(model, "outlook_html");
  const app = useTrait(model, "app_facts");
  const strategies = useTrait(model, "strategies");
  const strategy = useTrait(model, "strategy");
  const edits = useTrait(model, "edits");
  const busy = running.number > 0;
  return (
    <header class="skw-bar">
      <div class="skw-bar-row">
        <b class="skw-app" title={app.folder}>
          {app.name}
        </b>
        <label class="skw-field">
          <span>{message("Strategy")}</span>
          <StrategyPicker strategies={strategies} strategy={strategy} act={act} disabled={!alive} />
        </label>
        {strategy.is_custom && <SaveAs key={strategy.base} act={act} base={strategy.base} />}
        <span class="skw-grow" />
        <EngineSays model={model} />
        {busy ? (
          <button type="button" class="skw-go" disabled={running.cancelling || !alive} onClick={() => act("cancel")}>
            {running.cancelling ? message("Cancelling …") : message("Cancel")}
          </button>
        ) : (
          <>
            <button
              type="button"
              disabled={!alive}
              title={message("As on a machine that never built this. Your own build cache stays as it is.")}
              onClick={() => act("build", { cold: true })}
            >
              {message("Build from cold")}
            </button>
            <button type="button" class="skw-go" disabled={!alive} onClick={() => act("build")}>
              {message("Build")} <kbd>{message("Ctrl ↵")}</kbd>
            </button>
          </>
        )}
      </div>
      <div class="skw-bar-row">
        {edits.length > 0 && <Edits edits={edits} act={act} alive={alive} />}
        <span class="skw-grow" />
        {!busy && <Patched html={outlook} link={link} />}
      </div>
    </header>
  );
}

function StrategyPicker({ strategies, strategy, act, disabled }) {
  const chosen = strategies.find(({ name }) => name === strategy.name);
  return (
    <select
      disabled={disabled}
      value={strategy.name}
      title={chosen?.summary}
      onChange={(event) => act("strategy", { name: event.currentTarget.value })}
    >
      {strategies.map(({ name, summary }) => (
        <option key={name} value={name} title={summary} selected={name === strategy.name}>
          {name === strategy.name && strategy.is_custom ? message("{strategy} (from {base})", { strategy: name, base: strategy.base }) : name}
        </option>
      ))}
    </select>
  );
}

function SaveAs({ act, base }) {
  const [name, setName] = useState("");
  const save = (event) => {
    event.preventDefault();
    if (name.trim()) act("save_strategy", { name: name.trim() });
  };
  return (
    <form class="skw-save" onSubmit={save}>
      <input
        aria-label={message("Name for your Dockerfile")}
        placeholder={message("my-{strategy}", { strategy: base })}
        value={name}
        maxLength={40}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <button type="submit" disabled={!name.trim()}>
        {message("Save as strategy")}
      </button>
    </form>
  );
}

function Edits({ edits, act, alive }) {
  return (
    <div class="skw-edits" role="group" aria-label={message("Ready-made edits")}>
      <span class="skw-dim">{message("Try an edit")}</span>
      {edits.map(({ name, summary }) => (
        <button type="button" key={name} disabled={!alive} title={summary} onClick={() => act("edit", { name })}>
          {name}
        </button>
      ))}
    </div>
  );
}

function EngineSays({ model }) {
  const engine = useTrait(model, "engine");
  return <span class="skw-dim skw-engine">{engine}</span>;
}
