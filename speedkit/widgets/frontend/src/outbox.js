// Sends what is typed: the first keystroke at once, then at most ten times a second, slower for large files.

const PACE_MS = 100;
const BYTES_PER_MS = 2_000;
const BROWSER = {
  now: () => performance.now(),
  later: (run, wait) => setTimeout(run, wait),
  never: (timer) => clearTimeout(timer),
};

export class Outbox {
  constructor(send, { now, later, never } = BROWSER) {
    Object.assign(this, { send, now, later, never });
    this.unsent = new Map();
    this.timer = null;
    this.free = -Infinity;
  }

  // text is a function, so that a long document is only made into a string when it is sent.
  put(path, text) {
    this.unsent.set(path, text);
    if (this.timer !== null) return;
    const wait = this.free - this.now();
    if (wait <= 0) this.flush();
    else this.timer = this.later(() => this.flush(), wait);
  }

  holds(path) {
    return this.unsent.has(path);
  }

  flush() {
    if (this.timer !== null) this.never(this.timer);
    this.timer = null;
    let size = 0;
    for (const [path, text] of this.unsent) {
      const value = text();
      size += value.length;
      this.send(path, value);
    }
    this.unsent.clear();
    this.free = this.now() + PACE_MS + size / BYTES_PER_MS;
  }
}
