import type { TargetedEvent } from "preact";
import { useState } from "preact/hooks";
import { type Link, type Model, type Tell, useTrait } from "./link.ts";
import { message } from "./messages.ts";
import { Patched } from "./Patched.tsx";
import type { ChosenStrategy, Named, Running, WorkbenchTraits } from "./traits.ts";

type Props = { link: Link<WorkbenchTraits>; running: Running; act: Tell; isAlive: boolean };

export function Bar({ link, running, act, isAlive }: Props) {
  const { model } = link;
  const outlook = useTrait(model, "outlook_html");
  const app = useTrait(model, "app_facts");
  const strategies = useTrait(model, "strategies");
  const strategy = useTrait(model, "strategy");
  const edits = useTrait(model, "edits");
  const isBusy = running.number > 0;
  return (
    <header class="skw-bar">
      <div class="skw-bar-row">
        <b class="skw-app" title={app.folder}>
          {app.name}
        </b>
        <label class="skw-field">
          <span>{message("Strategy")}</span>
          <StrategyPicker strategies={strategies} strategy={strategy} act={act} disabled={!isAlive} />
        </label>
        {strategy.is_custom && <SaveAs key={strategy.base} act={act} base={strategy.base} />}
        <span class="skw-grow" />
        <EngineFacts model={model} />
        {isBusy ? (
          <button type="button" class="skw-go" disabled={running.cancelling || !isAlive} onClick={() => act("cancel")}>
            {running.cancelling ? message("Cancelling …") : message("Cancel")}
          </button>
        ) : (
          <>
            <button
              type="button"
              disabled={!isAlive}
              title={message("As on a machine that never built this. Your own build cache stays as it is.")}
              onClick={() => act("build", { cold: true })}
            >
              {message("Build from cold")}
            </button>
            <button type="button" class="skw-go" disabled={!isAlive} onClick={() => act("build")}>
              {message("Build")} <kbd>{message("Ctrl ↵")}</kbd>
            </button>
          </>
        )}
      </div>
      <div class="skw-bar-row">
        {edits.length > 0 && <Edits edits={edits} act={act} isAlive={isAlive} />}
        <span class="skw-grow" />
        {!isBusy && <Patched html={outlook} link={link} />}
      </div>
    </header>
  );
}

type StrategyPickerProps = { strategies: Named[]; strategy: ChosenStrategy; act: Tell; disabled: boolean };

function StrategyPicker({ strategies, strategy, act, disabled }: StrategyPickerProps) {
  const current = strategies.find(({ name }) => name === strategy.name);
  return (
    <select
      disabled={disabled}
      value={strategy.name}
      title={current?.summary}
      onChange={(event) => act("strategy", { name: event.currentTarget.value })}
    >
      {strategies.map(({ name, summary }) => (
        <option key={name} value={name} title={summary} selected={name === strategy.name}>
          {name === strategy.name && strategy.is_custom
            ? message("{strategy} (from {base})", { strategy: name, base: strategy.base })
            : name}
        </option>
      ))}
    </select>
  );
}

function SaveAs({ act, base }: { act: Tell; base: string }) {
  const [name, setName] = useState("");
  const save = (event: TargetedEvent) => {
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

function Edits({ edits, act, isAlive }: { edits: Named[]; act: Tell; isAlive: boolean }) {
  return (
    <div class="skw-edits" role="group" aria-label={message("Ready-made edits")}>
      <span class="skw-dim">{message("Try an edit")}</span>
      {edits.map(({ name, summary }) => (
        <button type="button" key={name} disabled={!isAlive} title={summary} onClick={() => act("edit", { name })}>
          {name}
        </button>
      ))}
    </div>
  );
}

function EngineFacts({ model }: { model: Model<WorkbenchTraits> }) {
  const engine = useTrait(model, "engine");
  return <span class="skw-dim skw-engine">{engine}</span>;
}
