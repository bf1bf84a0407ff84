// CodeMirror, set up for one workbench: a state per file, marks of failed builds, the forecast's gutter, the diff.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { dockerFile } from "@codemirror/legacy-modes/mode/dockerfile";
import { go } from "@codemirror/legacy-modes/mode/go";
import { unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from "@codemirror/search";
import { Annotation, Compartment, EditorState, RangeSet, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  EditorView,
  GutterMarker,
  WidgetType,
  drawSelection,
  gutter,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { FORECAST } from "./format.js";
import { marked, message } from "./messages.js";
import { UNSEEN, visible } from "./visible.js";

const fromPython = Annotation.define();

const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.definitionKeyword, tags.operatorKeyword], class: "skw-t-keyword" },
  { tag: [tags.string, tags.special(tags.string), tags.character, tags.regexp], class: "skw-t-string" },
  { tag: tags.comment, class: "skw-t-comment" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], class: "skw-t-number" },
  { tag: [tags.variableName, tags.standard(tags.variableName)], class: "skw-t-name" },
]);

export function languageOf(path) {
  const name = path.split("/").pop();
  if (/^(Dockerfile|Containerfile)(\..*)?$|\.(dockerfile|containerfile)$/i.test(name)) return "dockerfile";
  return name.endsWith(".go") ? "go" : "text";
}

const LANGUAGES = { dockerfile: StreamLanguage.define(dockerFile), go: StreamLanguage.define(go), text: [] };

class MarkWidget extends WidgetType {
  constructor(message) {
    super();
    this.message = message;
  }
  eq(other) {
    return other.message === this.message;
  }
  toDOM() {
    const box = document.createElement("div");
    box.className = "skw-mark";
    box.setAttribute("role", "note");
    box.textContent = visible(`✗ ${this.message}`);
    return box;
  }
}

const setMarks = StateEffect.define();

const marksField = StateField.define({
  create: () => Decoration.none,
  update(found, transaction) {
    found = found.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setMarks)) found = decorate(transaction.state.doc, effect.value);
    }
    return found;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function decorate(doc, marks) {
  const ranges = [];
  for (const { line, column, message } of marks) {
    if (line < 1 || line > doc.lines) continue;
    const { from, to } = doc.line(line);
    ranges.push(Decoration.line({ class: "skw-marked" }).range(from));
    if (column && from + column - 1 < to) {
      const start = from + column - 1;
      const word = /^[\w.]+/.exec(doc.sliceString(start, to))?.[0].length ?? 1;
      ranges.push(Decoration.mark({ class: "skw-squiggle" }).range(start, start + word));
    }
    ranges.push(Decoration.widget({ widget: new MarkWidget(message), block: true, side: 1 }).range(to));
  }
  return Decoration.set(ranges, true);
}

class ForecastMarker extends GutterMarker {
  constructor({ forecast, because, short }) {
    super();
    Object.assign(this, { forecast, because, short });
  }
  eq(other) {
    return other.forecast === this.forecast && other.because === this.because && other.short === this.short;
  }
  toDOM() {
    const { icon, word, className } = FORECAST[this.forecast];
    const label = document.createElement("span");
    label.className = `skw-forecast ${className}`;
    label.textContent = visible(`${icon} ${this.short || message(word)}`);
    label.title = visible(this.because || message(word));
    return label;
  }
}

const setForecast = StateEffect.define();

const forecastField = StateField.define({
  create: () => RangeSet.empty,
  update(found, transaction) {
    found = found.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setForecast)) found = markers(transaction.state.doc, effect.value);
    }
    return found;
  },
});

const isIn = (doc) => ({ line, forecast }) => forecast in FORECAST && line >= 1 && line <= doc.lines;

function markers(doc, forecast) {
  const ranges = forecast.filter(isIn(doc)).map((entry) => new ForecastMarker(entry).range(doc.line(entry.line).from));
  return RangeSet.of(ranges, true);
}

const willRun = Decoration.line({ class: "skw-will-run" });

// The lines that would run again are tinted, besides the word in the margin.
const tintField = StateField.define({
  create: () => Decoration.none,
  update(found, transaction) {
    found = found.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setForecast)) found = tint(transaction.state.doc, effect.value);
    }
    return found;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function tint(doc, forecast) {
  const run = forecast.filter(isIn(doc)).filter((entry) => entry.forecast === "miss");
  return Decoration.set(run.map(({ line }) => willRun.range(doc.line(line).from)), true);
}

const forecastGutter = gutter({
  class: "skw-forecast-gutter",
  markers: (view) => view.state.field(forecastField),
});

// What CodeMirror itself says, in its search panel above all; `$` is where it puts a number.
const PHRASES = [
  marked("Control character"),
  marked("Selection deleted"),
  marked("$ unchanged lines"),
  marked("Find"),
  marked("Replace"),
  marked("next"),
  marked("previous"),
  marked("all"),
  marked("match case"),
  marked("regexp"),
  marked("by word"),
  marked("replace"),
  marked("replace all"),
  marked("close"),
  marked("current match"),
  marked("on line"),
  marked("replaced match on line $"),
  marked("replaced $ matches"),
  marked("Go to line"),
  marked("go"),
];

export class CodeEditor {
  // on: {change(path, text), move(path, caret), build(), save(path)}
  constructor(parent, on) {
    this.on = on;
    this.states = new Map();
    this.lineEnds = new Map();
    this.path = null;
    this.forecast = new Compartment();
    this.diff = new Compartment();
    this.view = new EditorView({ parent });
  }

  destroy() {
    this.view.destroy();
  }

  remember() {
    if (this.path !== null) this.states.set(this.path, this.view.state);
  }

  has(path) {
    return path === this.path || this.states.has(path);
  }

  // Puts text that comes from Python into a file's state; undo still knows what was there before.
  load(path, given) {
    const [text, lineEnd] = withPlainLineEnds(given);
    this.lineEnds.set(path, lineEnd);
    const state = path === this.path ? this.view.state : this.states.get(path);
    if (!state) {
      this.states.set(path, this.newState(path, text));
      return;
    }
    const old = state.doc.toString();
    if (old === text) return;
    const spec = { changes: smallestChange(old, text), annotations: fromPython.of(true) };
    if (path === this.path) this.view.dispatch(spec);
    else this.states.set(path, state.update(spec).state);
  }

  show(path, { marks, forecast, original }) {
    if (path !== this.path) {
      this.remember();
      this.path = path;
      this.view.setState(this.states.get(path));
    }
    this.view.dispatch({
      effects: [
        this.forecast.reconfigure(forecast.length ? forecastGutter : []),
        this.diff.reconfigure(original === null ? [] : diffAgainst(original)),
      ],
    });
    this.view.dispatch({ effects: [setMarks.of(marks), setForecast.of(forecast)] });
  }

  goTo(line) {
    const { doc } = this.view.state;
    if (line < 1 || line > doc.lines) return;
    const { from } = doc.line(line);
    this.view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
  }

  // Puts the caret where it was before the page was loaded again.
  moveTo(path, caret) {
    if (path !== this.path || caret <= 0) return;
    const anchor = Math.min(caret, this.view.state.doc.length);
    this.view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
  }

  find() {
    openSearchPanel(this.view);
  }

  newState(path, text) {
    const build = () => {
      this.on.build();
      return true;
    };
    const save = () => {
      this.on.save(path);
      return true;
    };
    return EditorState.create({
      doc: text,
      extensions: [
        keymap.of([
          { key: "Mod-Enter", run: build },
          { key: "Ctrl-Enter", run: build },
          { key: "Mod-s", run: save, preventDefault: true },
        ]),
        marksField,
        forecastField,
        tintField,
        this.forecast.of([]),
        lineNumbers(),
        highlightActiveLineGutter(),
        highlightSpecialChars({ addSpecialChars: UNSEEN }),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        highlightActiveLine(),
        highlightSelectionMatches(),
        search({ top: true }),
        keymap.of([...searchKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
        LANGUAGES[languageOf(path)],
        indentUnit.of(languageOf(path) === "go" ? "\t" : "    "),
        EditorState.tabSize.of(4),
        EditorState.phrases.of(Object.fromEntries(PHRASES.map((text) => [text, message(text)]))),
        EditorState.lineSeparator.of("\n"),
        EditorView.clipboardInputFilter.of((pasted) => pasted.replace(/\r\n?/g, "\n")),
        syntaxHighlighting(highlighting),
        EditorView.contentAttributes.of({
          "aria-label": visible(message("Text of {file}", { file: path.replace("./", "") })),
          "aria-description": message("Tab indents. Press Escape, then Tab, to leave the editor. Control Enter builds."),
          spellcheck: "false",
          autocorrect: "off",
          autocapitalize: "off",
        }),
        this.diff.of([]),
        EditorView.updateListener.of((update) => {
          const typed = update.transactions.some((one) => one.docChanged && !one.annotation(fromPython));
          if (typed) this.on.change(path, () => update.state.doc.toString().replaceAll("\n", this.lineEnds.get(path)));
          if (update.selectionSet) this.on.move(path, update.state.selection.main.head);
        }),
      ],
    });
  }
}

// A file of another system keeps its line ends; one that mixes them keeps every character as it is.
export function withPlainLineEnds(text) {
  const isWindows = text.includes("\r\n") && !/(^|[^\r])\n|\r(?!\n)/.test(text);
  return isWindows ? [text.replaceAll("\r\n", "\n"), "\r\n"] : [text, "\n"];
}

function diffAgainst(original) {
  return unifiedMergeView({ original: withPlainLineEnds(original)[0], mergeControls: false, gutter: true, collapseUnchanged: { margin: 3, minSize: 8 } });
}

export function smallestChange(old, text) {
  let start = 0;
  const shorter = Math.min(old.length, text.length);
  while (start < shorter && old[start] === text[start]) start++;
  let end = 0;
  while (end < shorter - start && old[old.length - 1 - end] === text[text.length - 1 - end]) end++;
  return { from: start, to: old.length - end, insert: text.slice(start, text.length - end) };
}
