// The door that every message goes through on its way to a reader: what speedkit/messages.py is for Python's. `make catalogue`
// collects the messages of both.

let catalogue = {};

// translations: what speedkit.messages.for_page made, nothing in English.
export function speak(translations) {
  catalogue = translations ?? {};
}

// The message with its values in their places, in the reader's language. `{count:,}` writes a number with its thousands apart.
export function message(text, values) {
  return filled(catalogue.texts?.[text] ?? text, values);
}

// The form for one or for several, in the reader's language; `{count}` is the number.
export function plural(one, many, count, values) {
  const english = count === 1 ? one : many;
  return filled(catalogue.plurals?.[one]?.[formOf(count)] ?? english, { count, ...values });
}

// A message that is kept as it is, for `message` to say later.
export function marked(text) {
  return text;
}

// The list of forms has an entry for each number below 200. No language looks at more than the last two digits of a larger one.
function formOf(count) {
  return catalogue.form_of[count < 200 ? count : 100 + (count % 100)];
}

function filled(text, values = {}) {
  return text.replace(/\{(\w+)(:,)?\}/g, (place, name, thousands) => {
    if (!(name in values)) return place;
    return thousands ? values[name].toLocaleString("en") : String(values[name]);
  });
}
