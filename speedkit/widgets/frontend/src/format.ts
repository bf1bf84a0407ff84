// Numbers as people read them: three digits at most, the unit always there.
import { message } from "./messages.ts";
import words from "./states.json";
import type { ForecastState, StepState } from "./traits.ts";

// The same words as speedkit.words.seconds_text.
export function seconds(value: number) {
  if (value < 0.01) return message("< 0.01 s");
  if (value < 1) return message("{seconds} s", { seconds: value.toFixed(2) });
  if (value < 99.95) return message("{seconds} s", { seconds: value.toFixed(1) });
  const whole = Math.round(value);
  return message("{minutes} min {seconds} s", { minutes: Math.floor(whole / 60), seconds: whole % 60 });
}

// A running clock keeps one decimal, so that its width stands still.
export function clock(value: number) {
  return value < 99.95 ? message("{seconds} s", { seconds: Math.max(0, value).toFixed(1) }) : seconds(value);
}

type Shown = { icon: string; word: string };

// Written by `python -m speedkit.words`: the icons and words that Python shows, too. `message` translates the words.
export const STATE: Record<StepState, Shown> = words.states;

export const FORECAST: Record<ForecastState, Shown & { className: string }> = {
  hit: { ...words.forecasts.hit, className: "skw-hit" },
  miss: { ...words.forecasts.miss, className: "skw-run" },
  depends: { ...words.forecasts.depends, className: "skw-depends" },
};
