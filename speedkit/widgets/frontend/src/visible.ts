// Characters that nobody can see, or that show a text in another order, become escapes, as speedkit.control_characters makes them.

import { options } from "preact";

// The characters of speedkit.control_characters, by its reasons; a test holds them against each other.
export const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it matches control characters on purpose
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: it matches joiners and selectors by themselves
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\u{110bd}\u{110cd}\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

export function visible(text: string) {
  return text.replace(/\r\n/g, "\n").replace(UNSEEN, escaped);
}

function escaped(character: string) {
  const number = character.codePointAt(0) ?? 0;
  if (character === "\r") return "\\r";
  if (number < 0x100) return `\\x${number.toString(16).padStart(2, "0")}`;
  return number < 0x10000 ? `\\u${number.toString(16).padStart(4, "0")}` : `\\U${number.toString(16).padStart(8, "0")}`;
}

const ATTRIBUTES = ["title", "aria-label", "aria-description", "placeholder"];

// Every element that a component makes comes by this hook. What is typed, and the values behind options, stay.
const previousHook = options.vnode;
options.vnode = (vnode) => {
  // In a page, Preact makes a vnode of each text, too: it has no type, and its props are the text, or a number.
  const { type, props } = vnode as { type: unknown; props: Record<string, unknown> };
  if (type !== null) {
    for (const name of typeof type === "string" ? ATTRIBUTES : []) {
      const value = props[name];
      if (typeof value === "string") props[name] = visible(value);
    }
    if ("children" in props) props.children = shown(props.children);
  }
  previousHook?.(vnode);
};

function shown(children: unknown): unknown {
  if (typeof children === "string") return visible(children);
  return Array.isArray(children) ? children.map(shown) : children;
}
