// Every message passes through here on its way to a reader, as Python's pass through speedkit/messages.py. `make catalogue`
// collects the messages of both.

import type { Catalogue } from "./traits.ts";

type Values = Record<string, string | number>;

let catalogue: Catalogue = {};

// translations: what speedkit.messages.for_page made, nothing in English.
export function speak(translations: Catalogue | null | undefined) {
  catalogue = translations ?? {};
}

// The message with its values in their places, in the reader's language. `{count:,}` writes a number with its thousands apart.
export function message(text: string, values?: Values) {
  return filled(catalogue.texts?.[text] ?? text, values);
}

// The form for one or for several, in the reader's language; `{count}` is the number.
export function plural(one: string, many: string, count: number, values?: Values) {
  const english = count === 1 ? one : many;
  return filled(catalogue.plurals?.[one]?.[formOf(count)] ?? english, { count, ...values });
}

// Facts about the same thing, as Python's `facts_in_one` joins them.
export function factsInOne(facts: string[]) {
  return facts.filter((fact) => fact).join(comma());
}

// What stands between two such facts.
export function comma() {
  return message("{fact}, {next_fact}", { fact: "", next_fact: "" });
}

// A message that is kept as it is; `message` translates it later.
export function marked(text: string) {
  return text;
}

// The list of forms has an entry for each number below 200. No language looks at more than the last two digits of a larger one.
function formOf(count: number) {
  return catalogue.form_of?.[count < 200 ? count : 100 + (count % 100)] ?? 0;
}

function filled(text: string, values: Values = {}) {
  return text.replace(/\{(\w+)(:,)?\}/g, (place: string, name: string, thousands?: string) => {
    if (!(name in values)) return place;
    return thousands ? values[name].toLocaleString("en") : String(values[name]);
  });
}
