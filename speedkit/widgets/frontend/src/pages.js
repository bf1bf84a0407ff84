// A window onto a log that Python holds: which lines are seen, and which pages of it are still to be fetched.

export const PAGE = 200;
export const ROW = 18;
const KEPT = 60;

export function visibleRange(scrollTop, height, total) {
  const first = Math.max(0, Math.min(total, Math.floor(scrollTop / ROW) - 5));
  const last = Math.min(total, Math.ceil((scrollTop + height) / ROW) + 5);
  return [first, Math.max(first, last)];
}

export class Pages {
  // fetch(from, count) resolves with {lines, chars} or null; changed() is called when new lines are here.
  constructor(fetch, changed) {
    this.fetch = fetch;
    this.changed = changed;
    this.kept = new Map();
    this.asked = new Set();
    this.total = 0;
    this.chars = 0;
    this.closed = false;
  }

  grow(total, chars) {
    this.total = total;
    this.chars = chars;
  }

  line(index) {
    return this.kept.get(Math.floor(index / PAGE))?.lines[index % PAGE];
  }

  // The last line of a page may still be growing, so a page counts as whole only when it is full and not the last.
  isFresh(page) {
    const found = this.kept.get(page);
    if (!found) return false;
    return found.chars === this.chars || (page + 1) * PAGE < found.total;
  }

  want(first, last) {
    for (let page = Math.floor(first / PAGE); page * PAGE < last; page++) {
      if (!this.isFresh(page) && !this.asked.has(page)) this.load(page);
    }
  }

  async load(page) {
    this.asked.add(page);
    const answer = await this.fetch(page * PAGE, PAGE);
    this.asked.delete(page);
    if (!answer || this.closed) return;
    this.kept.delete(page);
    this.kept.set(page, answer);
    for (const key of this.kept.keys()) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(key);
    }
    this.changed();
  }

  close() {
    this.closed = true;
  }
}
