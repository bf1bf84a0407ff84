// Sends what is typed: the first keystroke at once, then at most ten times a second, slower for large files.

const PACE_MS = 100;
const BYTES_PER_MS = 2_000;

type Timer = ReturnType<typeof setTimeout>;
type Clock = { now(): number; later(run: () => void, wait: number): Timer; cancel(timer: Timer): void };

const BROWSER: Clock = {
  now: () => performance.now(),
  later: (run, wait) => setTimeout(run, wait),
  cancel: (timer) => clearTimeout(timer),
};

export class Outbox {
  private readonly send: (path: string, text: string) => void;
  private readonly clock: Clock;
  private readonly unsent = new Map<string, () => string>();
  private timer: Timer | null = null;
  private nextSend = -Infinity;

  constructor(send: (path: string, text: string) => void, clock = BROWSER) {
    this.send = send;
    this.clock = clock;
  }

  // text is a function, so that a long document is only made into a string when it is sent.
  put(path: string, text: () => string) {
    this.unsent.set(path, text);
    if (this.timer !== null) return;
    const wait = this.nextSend - this.clock.now();
    if (wait <= 0) this.flush();
    else this.timer = this.clock.later(() => this.flush(), wait);
  }

  holds(path: string) {
    return this.unsent.has(path);
  }

  flush() {
    if (this.timer !== null) this.clock.cancel(this.timer);
    this.timer = null;
    let size = 0;
    for (const [path, text] of this.unsent) {
      const value = text();
      size += value.length;
      this.send(path, value);
    }
    this.unsent.clear();
    this.nextSend = this.clock.now() + PACE_MS + size / BYTES_PER_MS;
  }
}
