import morphdom from "morphdom";
import type { TargetedEvent, TargetedFocusEvent, TargetedKeyboardEvent, TargetedMouseEvent } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { NO_SHORTCUTS } from "./focus_mark.ts";
import { clock } from "./format.ts";
import type { Choose } from "./link.ts";

const TICK_MS = 100;

type Box = HTMLDivElement;

type Props<Chosen> = {
  html: string;
  link: { now(): number };
  view?: Partial<Chosen>;
  choose?: Choose<Chosen>;
  patched?: (box: Box) => void;
  onClick?: (event: TargetedMouseEvent<Box>) => void;
  onDblClick?: (event: TargetedMouseEvent<Box>) => void;
  onFocusIn?: (event: TargetedFocusEvent<Box>) => void;
  onKeyDown?: (event: TargetedKeyboardEvent<Box>) => void;
};

// HTML that Python renders, brought onto the page in place: what did not change stays as it is, and with it focus, scrolling and
// an open list. A press on `data-choose` chooses its value; `data-since` is a time from which the page's own clock counts.
// view: what is chosen, also where Python has not confirmed it yet; the rows that choose it are shown as pressed.
// patched: called after each change. onClick: called for presses on elements without `data-choose`.
export function Patched<Chosen>({ html, link, view, choose, patched, onClick, ...handlers }: Props<Chosen>) {
  const box = useRef<Box>(null);
  useLayoutEffect(() => {
    if (!box.current) return;
    const next = box.current.cloneNode(false) as Box;
    next.innerHTML = html;
    morphdom(box.current, next, { childrenOnly: true, onBeforeElUpdated: keepFocusMark });
    tick(box.current, link.now());
    if (view) markPressed(box.current, view);
    patched?.(box.current);
  }, [html]);
  useLayoutEffect(() => {
    if (box.current && view) markPressed(box.current, view);
  }, [view]);
  const isRunning = html.includes(" data-since=");
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => box.current && tick(box.current, link.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [link, isRunning]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the presses come from the buttons in Python's HTML
    // biome-ignore lint/a11y/useKeyWithClickEvents: a button is pressed by keys, too
    <div
      class="skw-patched"
      ref={box}
      onClick={(event) => press(event, choose) || onClick?.(event)}
      onChange={(event) => pick(event, choose)}
      {...handlers}
    />
  );
}

// Python's HTML has no mark of the focus. Without the mark, the keys pressed at the element would be the notebook's shortcuts.
function keepFocusMark(from: Element, to: Element): boolean {
  const mark = from.getAttribute(NO_SHORTCUTS);
  if (mark !== null) to.setAttribute(NO_SHORTCUTS, mark);
  return !from.isEqualNode(to);
}

// Python's answer to a press may take a moment, and what it sent before must not take the press back.
export function markPressed<Chosen>(root: ParentNode, view: Partial<Chosen>) {
  const chosen = view as Record<string, unknown>;
  for (const row of root.querySelectorAll<HTMLElement>("[data-choose][aria-pressed]")) {
    const parts = Object.entries(JSON.parse(row.dataset.choose ?? "{}") as object).filter(([, value]) => value !== null);
    // Nothing is chosen where Python chooses by itself.
    if (parts.some(([name]) => chosen[name] === null || chosen[name] === undefined)) continue;
    row.setAttribute("aria-pressed", String(parts.every(([name, value]) => chosen[name] === value)));
  }
}

function press<Chosen>({ target }: TargetedMouseEvent<Box>, choose?: Choose<Chosen>): boolean {
  const pressable = (target as Element).closest<HTMLElement>("[data-choose]");
  if (!pressable) return false;
  choose?.(JSON.parse(pressable.dataset.choose ?? "{}") as Partial<Chosen>);
  return true;
}

function pick<Chosen>(event: TargetedEvent<Box>, choose?: Choose<Chosen>) {
  const list = event.target as HTMLSelectElement;
  const name = list.dataset.chooseNumber;
  if (name) choose?.({ [name]: Number(list.value) } as Partial<Chosen>);
}

// Writes every running time, and places the times of steps along that of the whole build, which the first of them is.
export function tick(root: ParentNode, now: number) {
  const clocks = [...root.querySelectorAll<HTMLElement>(":not(i)[data-since]")];
  const secondsSince = ({ dataset }: HTMLElement) => Math.max(0, (now - Number(dataset.since)) / 1000);
  for (const one of clocks) one.textContent = clock(secondsSince(one));
  if (clocks.length === 0) return;
  const total = Math.max(secondsSince(clocks[0]), 0.001);
  for (const track of root.querySelectorAll<HTMLElement>("i[data-began]")) {
    const took = track.dataset.since ? secondsSince(track) : Number(track.dataset.took);
    const left = Math.min(98, (100 * Number(track.dataset.began)) / total);
    track.style.left = `${left}%`;
    track.style.width = `${Math.max(2, Math.min(100 - left, (100 * took) / total))}%`;
  }
}
