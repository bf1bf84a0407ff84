import assert from "node:assert/strict";
import { test } from "node:test";
import { LogPages, PAGE, ROW, visibleRange } from "../src/log_pages.ts";

function log(total) {
  const fetched = [];
  const source = { total, chars: total };
  const fetch = async (from, count) => {
    fetched.push(from);
    const lines = Array.from({ length: Math.max(0, Math.min(count, source.total - from)) }, (_, n) => `line ${from + n}`);
    return { lines, chars: source.chars, total: source.total };
  };
  let changes = 0;
  const pages = new LogPages(fetch, () => changes++);
  pages.grow(total);
  return { pages, fetched, source, changed: () => changes };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("only the lines in sight and a few around are rendered, of 200,000", () => {
  const [first, last] = visibleRange(100_000 * ROW, 400, 200_000);
  assert.equal(first, 99_995);
  assert.ok(last - first < 40);
  assert.deepEqual(visibleRange(0, 400, 3), [0, 3]);
  assert.deepEqual(visibleRange(9_999, 400, 0), [0, 0]);
});

test("a page is fetched once, and shown", async () => {
  const { pages, fetched, changed } = log(1000);
  pages.request(190, 210);
  pages.request(190, 210);
  await settle();
  pages.request(190, 210);
  assert.deepEqual(fetched, [0, PAGE]);
  assert.equal(pages.line(205), "line 205");
  assert.equal(changed(), 2);
});

test("the last page is fetched again when the log has grown, a whole one never", async () => {
  const { pages, fetched, source } = log(250);
  pages.request(0, 250);
  await settle();
  Object.assign(source, { total: 260, chars: 260 });
  pages.grow(260);
  pages.request(0, 260);
  await settle();
  assert.deepEqual(fetched, [0, 200, 200]);
  assert.equal(pages.line(259), "line 259");
});

test("pages far away are forgotten, so that memory stays small", async () => {
  const { pages } = log(200_000);
  for (let line = 0; line < 200_000; line += PAGE) {
    pages.request(line, line + 1);
    await settle();
  }
  assert.ok(pages.pages.size <= 60);
  assert.equal(pages.line(0), undefined);
  assert.equal(pages.line(199_999), "line 199999");
});

test("an answer that comes after closing changes nothing", async () => {
  const { pages, changed } = log(10);
  pages.request(0, 10);
  pages.close();
  await settle();
  assert.equal(changed(), 0);
});
