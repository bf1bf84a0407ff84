import assert from "node:assert/strict";
import { test } from "node:test";
import { Choices, Link } from "../src/link.ts";

function model() {
  const handlers = new Map();
  return {
    sent: [],
    send(message) {
      this.sent.push(message);
    },
    on: (name, handler) => handlers.set(name, handler),
    off: (name) => handlers.delete(name),
    deliver: (message) => handlers.get("msg:custom")?.(message),
    handlers,
  };
}

test("an answer reaches the one who asked, others are left alone", async () => {
  const other = model();
  const link = new Link(other);
  const answer = link.ask("read", { path: "a" });
  const { id, type, path, page } = other.sent[0];
  assert.deepEqual([type, path, page], ["read", "a", link.page]);
  other.deliver({ answers: "somebody else" });
  other.deliver({ answers: id, text: "hello" });
  assert.equal((await answer).text, "hello");
  link.close();
  assert.equal(other.handlers.size, 0);
});

test("what the kernel did not hear while a cell ran is asked again until it answers", async () => {
  const other = model();
  const timers = [];
  const link = new Link(other, (run, wait) => timers.push({ run, wait }));
  const answer = link.askUntilAnswered("read", { path: "a" });
  for (let times = 0; times < 5; times++) timers.shift().run();
  assert.equal(other.sent.length, 6);
  assert.equal(new Set(other.sent.map(({ id }) => id)).size, 1);
  other.deliver({ answers: other.sent[0].id, text: "late" });
  assert.equal((await answer).text, "late");
  timers.shift().run();
  assert.deepEqual([other.sent.length, timers.length], [6, 0]);
});

test("a line that is closed asks no more", () => {
  const other = model();
  const timers = [];
  const link = new Link(other, (run, wait) => timers.push({ run, wait }));
  link.askUntilAnswered("read", { path: "a" });
  link.close();
  timers.shift().run();
  assert.deepEqual([other.sent.length, timers.length], [1, 0]);
});

test("the kernel's clock is followed, whatever the browser's says", async () => {
  const other = model();
  const link = new Link(other);
  const set = link.setClock();
  other.deliver({ answers: other.sent[0].id, now_ms: Date.now() + 60_000 });
  await set;
  assert.ok(Math.abs(link.now() - Date.now() - 60_000) < 1_000);
});

test("a choice shows at once and gives way to what Python says after it", () => {
  const link = new Link(model());
  const choices = new Choices(link);
  const view = { tab: "a", step: null, confirmed: {} };
  choices.choose({ tab: "b" });
  choices.choose({ step: "line-3" });
  assert.deepEqual(choices.over(view), { ...view, tab: "b", step: "line-3" });
  const confirmed = { tab: "b", step: null, confirmed: { [link.page]: 1 } };
  assert.equal(choices.over(confirmed).step, "line-3");
  const later = { tab: "c", step: null, confirmed: { [link.page]: 2 } };
  assert.deepEqual(choices.over(later), later);
});
