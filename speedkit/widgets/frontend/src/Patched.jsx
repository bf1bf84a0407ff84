import morphdom from "morphdom";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { clock } from "./format.js";

const TICK_MS = 100;

// HTML that Python renders, brought onto the page in place: what did not change stays as it is, and with it focus, scrolling and
// an open list. A press on `data-choose` chooses what it says; `data-since` is a time from which the page's own clock counts.
// patched(box): called after each change. onClick: called for presses on what has no `data-choose`.
export function Patched({ html, link, choose, patched, onClick, ...handlers }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const next = box.current.cloneNode(false);
    next.innerHTML = html;
    morphdom(box.current, next, { childrenOnly: true, onBeforeElUpdated: (from, to) => !from.isEqualNode(to) });
    tick(box.current, link.now());
    patched?.(box.current);
  }, [html]);
  const isRunning = html.includes(" data-since=");
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => tick(box.current, link.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [link, isRunning]);
  return <div class="skw-patched" ref={box} onClick={(event) => press(event, choose) || onClick?.(event)} onChange={(event) => pick(event, choose)} {...handlers} />;
}

function press({ target, currentTarget }, choose) {
  const pressed = target.closest("[data-choose]");
  if (!pressed) return false;
  // Shown at once: Python's answer may take a moment.
  if (pressed.hasAttribute("aria-pressed")) {
    for (const other of currentTarget.querySelectorAll('[aria-pressed="true"]')) other.setAttribute("aria-pressed", "false");
    pressed.setAttribute("aria-pressed", "true");
  }
  choose(JSON.parse(pressed.dataset.choose));
  return true;
}

function pick({ target }, choose) {
  const { chooseNumber } = target.dataset;
  if (chooseNumber) choose({ [chooseNumber]: Number(target.value) });
}

// Writes every running time, and places the times of steps along that of the whole build, which the first of them is.
export function tick(root, now) {
  const clocks = [...root.querySelectorAll(":not(i)[data-since]")];
  const secondsSince = ({ dataset }) => Math.max(0, (now - Number(dataset.since)) / 1000);
  for (const one of clocks) one.textContent = clock(secondsSince(one));
  if (clocks.length === 0) return;
  const total = Math.max(secondsSince(clocks[0]), 0.001);
  for (const track of root.querySelectorAll("i[data-began]")) {
    const took = track.dataset.since ? secondsSince(track) : Number(track.dataset.took);
    const left = Math.min(98, (100 * Number(track.dataset.began)) / total);
    track.style.left = `${left}%`;
    track.style.width = `${Math.max(2, Math.min(100 - left, (100 * took) / total))}%`;
  }
}
