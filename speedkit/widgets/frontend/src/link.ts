// The connection to Python: traits come in, messages go out, and some messages are answered.

import { useEffect, useState } from "preact/hooks";
import type { Messages, Questions } from "./traits.ts";

const PATIENCE_MS = 30_000;
const CLOCK_AGAIN_MS = 1_000;
const ASK_AGAIN_MS = 1_000;
const CLOCK_EVERY_MS = 60_000;

// What is used here of a model of anywidget: https://anywidget.dev/en/afm/
export type Model<Traits> = {
  get<Name extends keyof Traits>(name: Name): Traits[Name];
  on(event: string, handler: (content: unknown) => void): void;
  off(event: string, handler: (content: unknown) => void): void;
  send(content: object): void;
  comm_live?: boolean;
};

export type Tell = <Type extends keyof Messages>(type: Type, content?: Messages[Type]) => void;

type Answer = { answers: string };

const isAnswer = (content: unknown): content is Answer => typeof content === "object" && content !== null && "answers" in content;

export class Link<Traits> {
  readonly model: Model<Traits>;
  readonly page = Math.random().toString(36).slice(2);
  private readonly later: (run: () => void, wait: number) => void;
  private readonly waiting = new Map<string, (answer: Answer) => void>();
  private sent = 0;
  private skew = 0;

  constructor(model: Model<Traits>, later: (run: () => void, wait: number) => void = (run, wait) => setTimeout(run, wait)) {
    this.model = model;
    this.later = later;
    model.on("msg:custom", this.receive);
  }

  private readonly receive = (content: unknown) => {
    if (!isAnswer(content)) return;
    const resolve = this.waiting.get(content.answers);
    if (!resolve) return;
    this.waiting.delete(content.answers);
    resolve(content);
  };

  close() {
    this.model.off("msg:custom", this.receive);
    this.waiting.clear();
  }

  tell<Type extends keyof Messages>(type: Type, content?: Messages[Type]) {
    this.send(type, content);
  }

  private send(type: string, content: object = {}) {
    try {
      this.model.send({ type, page: this.page, ...content });
    } catch {
      // The kernel is gone, which the page says already.
    }
  }

  // Resolves with the answer, or with null when none came.
  ask<Type extends keyof Questions>(type: Type, content: Questions[Type]["content"]): Promise<Questions[Type]["answer"] | null> {
    const id = this.nextId();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        resolve(null);
      }, PATIENCE_MS);
      this.waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer as unknown as Questions[Type]["answer"]);
      });
      this.send(type, { ...content, id });
    });
  }

  // Resolves with the answer, however late. The first message may wait for a cell that runs for minutes (see keepClock); the
  // same question a little later is heard at once. Only for questions that change nothing.
  askUntilAnswered<Type extends keyof Questions>(type: Type, content: Questions[Type]["content"]): Promise<Questions[Type]["answer"]> {
    const id = this.nextId();
    const question = { ...content, id };
    return new Promise((resolve) => {
      this.waiting.set(id, (answer) => resolve(answer as unknown as Questions[Type]["answer"]));
      const askAgain = (wait: number) =>
        this.later(() => {
          if (!this.waiting.has(id)) return;
          this.send(type, question);
          askAgain(Math.min(2 * wait, PATIENCE_MS));
        }, wait);
      this.send(type, question);
      askAgain(ASK_AGAIN_MS);
    });
  }

  private nextId() {
    this.sent += 1;
    return `${this.page}-${this.sent}`;
  }

  // The kernel's clock may differ from the browser's.
  async setClock() {
    const before = Date.now();
    const answer = await this.ask("clock", {});
    if (answer) this.skew = answer.now_ms - (before + Date.now()) / 2;
  }

  // Clocks drift. The early second question also lets JupyterLab finish its own line to the kernel's page thread, on which
  // messages are heard while a cell runs; the very first may still go to the thread that runs cells.
  keepClock() {
    const set = () => this.setClock();
    set();
    const early = setTimeout(set, CLOCK_AGAIN_MS);
    const regular = setInterval(set, CLOCK_EVERY_MS);
    return () => {
      clearTimeout(early);
      clearInterval(regular);
    };
  }

  now() {
    return Date.now() + this.skew;
  }
}

export function useTrait<Traits, Name extends keyof Traits & string>(model: Model<Traits>, name: Name): Traits[Name] {
  const [value, setValue] = useState(model.get(name));
  useEffect(() => {
    const update = () => setValue(model.get(name));
    update();
    model.on(`change:${name}`, update);
    return () => model.off(`change:${name}`, update);
  }, [model, name]);
  return value;
}

type View = { confirmed?: Record<string, number> };
type ViewLink = { readonly page: string; tell: Tell };

export type Choose<Chosen> = (patch: Partial<Chosen>) => void;

// What is chosen in the widget belongs to Python; a choice shows at once and is confirmed by the trait later.
export class Choices<Chosen extends View> {
  private readonly link: ViewLink;
  private pending: { number: number; patch: Partial<Chosen> }[] = [];
  private count = 0;

  constructor(link: ViewLink) {
    this.link = link;
  }

  choose(patch: Partial<Chosen>) {
    this.count += 1;
    this.pending.push({ number: this.count, patch });
    this.link.tell("view", { patch, number: this.count });
  }

  over(view: Chosen): Chosen {
    const confirmed = view.confirmed?.[this.link.page] ?? 0;
    this.pending = this.pending.filter(({ number }) => number > confirmed);
    let shown = view;
    for (const { patch } of this.pending) shown = { ...shown, ...patch };
    return shown;
  }
}

export function useView<Chosen extends View>(link: Link<{ view: Chosen }>): [Chosen, Choose<Chosen>] {
  const view = useTrait(link.model, "view");
  const [choices] = useState(() => new Choices<Chosen>(link));
  const [, redraw] = useState(0);
  const choose = (patch: Partial<Chosen>) => {
    choices.choose(patch);
    redraw((count) => count + 1);
  };
  return [choices.over(view), choose];
}
