// Numbers as people read them: three digits at most, the unit always there.
import words from "./states.json";

// The same words as speedkit.words.seconds_text.
export function seconds(value) {
  if (value < 0.01) return "< 0.01 s";
  if (value < 1) return `${value.toFixed(2)} s`;
  if (value < 99.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

// A running clock keeps one decimal, so that its width stands still.
export function clock(value) {
  return value < 99.95 ? `${Math.max(0, value).toFixed(1)} s` : seconds(value);
}

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

export function bytes(value) {
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0 && Math.round(value) === 1) return "1 byte";
  return `${unit === 0 || Math.abs(value) >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit]}`;
}

export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

// Written by `python -m speedkit.words`: the icons and words that Python shows, too.
export const STATE = words.states;

export const FORECAST = {
  hit: { ...words.forecasts.hit, className: "skw-hit" },
  miss: { ...words.forecasts.miss, className: "skw-run" },
  depends: { ...words.forecasts.depends, className: "skw-depends" },
};

// What a layer, or the second of two images, does to a file.
export const CHANGE = {
  added: { sign: "+", word: "added" },
  changed: { sign: "~", word: "changed" },
  removed: { sign: "−", word: "removed" },
};

// The place that stands for all layers of an image together.
export const WHOLE = -1;
