// A window onto a log that Python holds: which lines are visible, and which pages of it are still to be fetched.

import type { LogLine, LogPage } from "./traits.ts";

export const PAGE = 200;
export const ROW = 18;
const MOST_PAGES = 60;

export type Range = [first: number, last: number];

export function visibleRange(scrollTop: number, height: number, total: number): Range {
  const first = Math.max(0, Math.min(total, Math.floor(scrollTop / ROW) - 5));
  const last = Math.min(total, Math.ceil((scrollTop + height) / ROW) + 5);
  return [first, Math.max(first, last)];
}

export class LogPages {
  private readonly fetch: (from: number, count: number) => Promise<LogPage | null>;
  private readonly changed: () => void;
  // The most recently fetched page comes last.
  readonly pages = new Map<number, LogPage>();
  private readonly loading = new Set<number>();
  private chars = 0;
  private isClosed = false;

  // changed: called when new lines have arrived.
  constructor(fetch: (from: number, count: number) => Promise<LogPage | null>, changed: () => void) {
    this.fetch = fetch;
    this.changed = changed;
  }

  // chars: how many characters the step has printed so far.
  grow(chars: number) {
    this.chars = chars;
  }

  // Undefined while the line's page is fetched.
  line(index: number): LogLine | undefined {
    return this.pages.get(Math.floor(index / PAGE))?.lines[index % PAGE];
  }

  // The last line of a page may still be growing, so a page counts as whole only when it is full and not the last.
  private isFresh(number: number) {
    const page = this.pages.get(number);
    if (!page) return false;
    return page.chars === this.chars || (number + 1) * PAGE < page.total;
  }

  // Fetches the pages of these lines that are missing or have grown.
  request(first: number, last: number) {
    for (let number = Math.floor(first / PAGE); number * PAGE < last; number++) {
      if (!this.isFresh(number) && !this.loading.has(number)) this.load(number);
    }
  }

  private async load(number: number) {
    this.loading.add(number);
    const page = await this.fetch(number * PAGE, PAGE);
    this.loading.delete(number);
    if (!page || this.isClosed) return;
    this.pages.delete(number);
    this.pages.set(number, page);
    for (const oldest of this.pages.keys()) {
      if (this.pages.size <= MOST_PAGES) break;
      this.pages.delete(oldest);
    }
    this.changed();
  }

  close() {
    this.isClosed = true;
  }
}
