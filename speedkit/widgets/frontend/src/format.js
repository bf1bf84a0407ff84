// Numbers as people read them: three digits at most, the unit always there.
import { marked, message, plural } from "./messages.js";
import words from "./states.json";

// The same words as speedkit.words.seconds_text.
export function seconds(value) {
  if (value < 0.01) return message("< 0.01 s");
  if (value < 1) return message("{seconds} s", { seconds: value.toFixed(2) });
  if (value < 99.95) return message("{seconds} s", { seconds: value.toFixed(1) });
  const whole = Math.round(value);
  return message("{minutes} min {seconds} s", { minutes: Math.floor(whole / 60), seconds: whole % 60 });
}

// A running clock keeps one decimal, so that its width stands still.
export function clock(value) {
  return value < 99.95 ? message("{seconds} s", { seconds: Math.max(0, value).toFixed(1) }) : seconds(value);
}

const SIZES = [marked("{size} kB"), marked("{size} MB"), marked("{size} GB"), marked("{size} TB")];

export function bytes(value) {
  let thousands = 0;
  while (Math.abs(value) >= 999.5 && thousands < SIZES.length) {
    value /= 1000;
    thousands += 1;
  }
  if (thousands === 0) return plural("{count} byte", "{count} bytes", Math.round(value));
  return message(SIZES[thousands - 1], { size: value.toFixed(Math.abs(value) >= 99.95 ? 0 : 1) });
}

// Written by `python -m speedkit.words`: the icons and words that Python shows, too. `message` says the words.
export const STATE = words.states;

export const FORECAST = {
  hit: { ...words.forecasts.hit, className: "skw-hit" },
  miss: { ...words.forecasts.miss, className: "skw-run" },
  depends: { ...words.forecasts.depends, className: "skw-depends" },
};

// What a layer, or the second of two images, does to a file.
export const CHANGE = {
  added: { sign: "+", word: marked("added"), signed: marked("+ added") },
  changed: { sign: "~", word: marked("changed"), signed: marked("~ changed") },
  removed: { sign: "−", word: marked("removed"), signed: marked("− removed") },
};

// The kinds of files that need a word.
export const KIND = {
  symlink: marked("symlink"),
  "hard link": marked("hard link"),
  "character device": marked("character device"),
  "block device": marked("block device"),
  fifo: marked("fifo"),
};

// The place that stands for all layers of an image together.
export const WHOLE = -1;
