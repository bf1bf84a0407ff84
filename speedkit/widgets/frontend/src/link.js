// The line to Python: traits come in, messages go out, and some messages are answered.

import { useEffect, useState } from "preact/hooks";

const PATIENCE_MS = 30_000;
const CLOCK_AGAIN_MS = 1_000;
const ASK_AGAIN_MS = 1_000;
const CLOCK_EVERY_MS = 60_000;

export class Link {
  constructor(model, later = (run, wait) => setTimeout(run, wait)) {
    this.model = model;
    this.later = later;
    this.page = Math.random().toString(36).slice(2);
    this.sent = 0;
    this.waiting = new Map();
    this.skew = 0;
    this.receive = (message) => {
      const answer = this.waiting.get(message?.answers);
      if (answer) {
        this.waiting.delete(message.answers);
        answer(message);
      }
    };
    model.on("msg:custom", this.receive);
  }

  close() {
    this.model.off("msg:custom", this.receive);
    this.waiting.clear();
  }

  tell(type, content = {}) {
    try {
      this.model.send({ type, page: this.page, ...content });
    } catch {
      // The kernel is gone, which the page says already.
    }
  }

  // Resolves with the answer, or with null when none came.
  ask(type, content = {}) {
    const id = `${this.page}-${++this.sent}`;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        resolve(null);
      }, PATIENCE_MS);
      this.waiting.set(id, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
      this.tell(type, { ...content, id });
    });
  }

  // Resolves with the answer, however late. The first message may wait for a cell that runs for minutes (see keepClock); the
  // same question a little later is heard at once. Only for questions that change nothing.
  askUntilAnswered(type, content = {}) {
    const id = `${this.page}-${++this.sent}`;
    const asking = { ...content, id };
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      const again = (wait) =>
        this.later(() => {
          if (!this.waiting.has(id)) return;
          this.tell(type, asking);
          again(Math.min(2 * wait, PATIENCE_MS));
        }, wait);
      this.tell(type, asking);
      again(ASK_AGAIN_MS);
    });
  }

  // The kernel's clock may differ from the browser's.
  async setClock() {
    const before = Date.now();
    const answer = await this.ask("clock");
    if (answer) this.skew = answer.now_ms - (before + Date.now()) / 2;
  }

  // Clocks drift. The early second question also lets JupyterLab finish its own line to the kernel's page thread, on which
  // messages are heard while a cell runs; the very first may still go to the thread that runs cells.
  keepClock() {
    const set = () => this.setClock();
    set();
    const again = setTimeout(set, CLOCK_AGAIN_MS);
    const often = setInterval(set, CLOCK_EVERY_MS);
    return () => {
      clearTimeout(again);
      clearInterval(often);
    };
  }

  now() {
    return Date.now() + this.skew;
  }
}

export function useTrait(model, name) {
  const [value, setValue] = useState(model.get(name));
  useEffect(() => {
    const update = () => setValue(model.get(name));
    update();
    model.on(`change:${name}`, update);
    return () => model.off(`change:${name}`, update);
  }, [model, name]);
  return value;
}

// What is chosen in the widget belongs to Python; a choice shows at once and is confirmed by the trait later.
export class Choices {
  constructor(link) {
    this.link = link;
    this.pending = [];
    this.count = 0;
  }

  choose(patch) {
    this.pending.push({ number: ++this.count, patch });
    this.link.tell("view", { patch, number: this.count });
  }

  over(view) {
    const confirmed = view.confirmed?.[this.link.page] ?? 0;
    this.pending = this.pending.filter(({ number }) => number > confirmed);
    return this.pending.reduce((seen, { patch }) => ({ ...seen, ...patch }), view);
  }
}

export function useView(link) {
  const view = useTrait(link.model, "view");
  const [choices] = useState(() => new Choices(link));
  const [, redraw] = useState(0);
  const choose = (patch) => {
    choices.choose(patch);
    redraw((n) => n + 1);
  };
  return [choices.over(view), choose];
}
