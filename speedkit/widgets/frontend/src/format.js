// Numbers as people read them: three digits at most, the unit always there.
import { message } from "./messages.js";
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

// Written by `python -m speedkit.words`: the icons and words that Python shows, too. `message` says the words.
export const STATE = words.states;

export const FORECAST = {
  hit: { ...words.forecasts.hit, className: "skw-hit" },
  miss: { ...words.forecasts.miss, className: "skw-run" },
  depends: { ...words.forecasts.depends, className: "skw-depends" },
};
