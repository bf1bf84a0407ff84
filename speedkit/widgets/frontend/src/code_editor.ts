// CodeMirror, set up for one workbench: a state per file, marks of failed builds, the forecast's gutter, the diff.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { dockerFile } from "@codemirror/legacy-modes/mode/dockerfile";
import { go } from "@codemirror/legacy-modes/mode/go";
import { unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from "@codemirror/search";
import {
  Annotation,
  Compartment,
  EditorState,
  type Extension,
  type Range,
  RangeSet,
  StateEffect,
  StateField,
  type Text,
} from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  GutterMarker,
  gutter,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  WidgetType,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { FORECAST } from "./format.ts";
import { marked, message } from "./messages.ts";
import type { ForecastEntry, ForecastState, Mark } from "./traits.ts";
import { UNSEEN, visible } from "./visible.ts";

const fromPython = Annotation.define<boolean>();

const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.definitionKeyword, tags.operatorKeyword], class: "skw-t-keyword" },
  { tag: [tags.string, tags.special(tags.string), tags.character, tags.regexp], class: "skw-t-string" },
  { tag: tags.comment, class: "skw-t-comment" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], class: "skw-t-number" },
  { tag: [tags.variableName, tags.standard(tags.variableName)], class: "skw-t-name" },
]);

type Language = "dockerfile" | "go" | "text";

export function languageOf(path: string): Language {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (/^(Dockerfile|Containerfile)(\..*)?$|\.(dockerfile|containerfile)$/i.test(name)) return "dockerfile";
  return name.endsWith(".go") ? "go" : "text";
}

const LANGUAGES: Record<Language, Extension> = { dockerfile: StreamLanguage.define(dockerFile), go: StreamLanguage.define(go), text: [] };

class MarkWidget extends WidgetType {
  readonly message: string;
  constructor(message: string) {
    super();
    this.message = message;
  }
  eq(other: MarkWidget) {
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

const setMarks = StateEffect.define<Mark[]>();

const marksField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(decorations, transaction) {
    let updated = decorations.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setMarks)) updated = decorationsOf(transaction.state.doc, effect.value);
    }
    return updated;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function decorationsOf(doc: Text, marks: Mark[]) {
  const ranges: Range<Decoration>[] = [];
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

type Verdict = ForecastEntry & { forecast: ForecastState };

class ForecastMarker extends GutterMarker {
  readonly entry: Verdict;
  constructor(entry: Verdict) {
    super();
    this.entry = entry;
  }
  eq(other: ForecastMarker) {
    const { forecast, because, short } = this.entry;
    return other.entry.forecast === forecast && other.entry.because === because && other.entry.short === short;
  }
  toDOM() {
    const { forecast, because, short } = this.entry;
    const { icon, word, className } = FORECAST[forecast];
    const label = document.createElement("span");
    label.className = `skw-forecast ${className}`;
    label.textContent = visible(`${icon} ${short || message(word)}`);
    label.title = visible(because || message(word));
    return label;
  }
}

const setForecast = StateEffect.define<ForecastEntry[]>();

const forecastField = StateField.define<RangeSet<GutterMarker>>({
  create: () => RangeSet.empty,
  update(markers, transaction) {
    let updated = markers.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setForecast)) updated = markersOf(transaction.state.doc, effect.value);
    }
    return updated;
  },
});

// The entries with a verdict whose lines the text still has.
function verdictsIn(doc: Text, forecast: ForecastEntry[]) {
  return forecast.filter((entry): entry is Verdict => entry.forecast in FORECAST && entry.line >= 1 && entry.line <= doc.lines);
}

function markersOf(doc: Text, forecast: ForecastEntry[]) {
  const ranges = verdictsIn(doc, forecast).map((entry) => new ForecastMarker(entry).range(doc.line(entry.line).from));
  return RangeSet.of(ranges, true);
}

const willRun = Decoration.line({ class: "skw-will-run" });

// The lines that would run again are tinted, besides the word in the margin.
const tintField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(tint, transaction) {
    let updated = tint.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setForecast)) updated = tintOf(transaction.state.doc, effect.value);
    }
    return updated;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function tintOf(doc: Text, forecast: ForecastEntry[]) {
  const misses = verdictsIn(doc, forecast).filter((entry) => entry.forecast === "miss");
  return Decoration.set(
    misses.map(({ line }) => willRun.range(doc.line(line).from)),
    true,
  );
}

class WarningMarker extends GutterMarker {
  readonly warnings: string[];
  constructor(warnings: string[]) {
    super();
    this.warnings = warnings;
  }
  eq(other: WarningMarker) {
    return other.warnings.join("\n") === this.warnings.join("\n");
  }
  toDOM() {
    const icon = document.createElement("span");
    icon.className = "skw-warning";
    icon.textContent = "⚠";
    icon.title = visible(this.warnings.join("\n"));
    icon.setAttribute("role", "img");
    icon.setAttribute("aria-label", message("BuildKit's linter: {warnings}", { warnings: this.warnings.join("; ") }));
    return icon;
  }
}

const warningsField = StateField.define<RangeSet<GutterMarker>>({
  create: () => RangeSet.empty,
  update(markers, transaction) {
    let updated = markers.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setForecast)) updated = warningsOf(transaction.state.doc, effect.value);
    }
    return updated;
  },
});

function warningsOf(doc: Text, forecast: ForecastEntry[]) {
  const ranges: Range<GutterMarker>[] = [];
  for (const { line, warnings } of forecast) {
    if (warnings?.length && line >= 1 && line <= doc.lines) ranges.push(new WarningMarker(warnings).range(doc.line(line).from));
  }
  return RangeSet.of(ranges, true);
}

const hasWarnings = (forecast: ForecastEntry[]) => forecast.some(({ warnings }) => warnings?.length);

const warningsGutter = gutter({ class: "skw-warnings-gutter", markers: (view) => view.state.field(warningsField) });

const forecastGutter = gutter({
  class: "skw-forecast-gutter",
  markers: (view) => view.state.field(forecastField),
});

// The texts of CodeMirror itself, most of them in its search panel; it puts a number in place of `$`.
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

// text: a function, as a long document is made into a string only when it is needed. save: Ctrl S was pressed.
type Events = {
  change(path: string, text: () => string): void;
  move(path: string, caret: number): void;
  build(): void;
  save(): void;
};

// original: what the file said before, to show the difference; null to show none.
type Shown = { marks: Mark[]; forecast: ForecastEntry[]; original: string | null };

export class CodeEditor {
  path: string | null = null;
  private readonly on: Events;
  private readonly view: EditorView;
  // The state of each file but the one that is open: the view has that.
  private readonly states = new Map<string, EditorState>();
  private readonly lineEnds = new Map<string, string>();
  private readonly forecast = new Compartment();
  private readonly diff = new Compartment();

  constructor(parent: HTMLElement, on: Events) {
    this.on = on;
    this.view = new EditorView({ parent });
  }

  destroy() {
    this.view.destroy();
  }

  has(path: string) {
    return this.stateOf(path) !== undefined;
  }

  private stateOf(path: string) {
    return path === this.path ? this.view.state : this.states.get(path);
  }

  // Puts text that comes from Python into a file's state; undo still knows what was there before.
  load(path: string, textOfPython: string) {
    const [text, lineEnd] = withPlainLineEnds(textOfPython);
    this.lineEnds.set(path, lineEnd);
    const state = this.stateOf(path);
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

  show(path: string, { marks, forecast, original }: Shown) {
    const state = this.stateOf(path);
    if (!state) return;
    if (path !== this.path) {
      if (this.path !== null) this.states.set(this.path, this.view.state);
      this.path = path;
      this.view.setState(state);
    }
    this.view.dispatch({
      effects: [
        this.forecast.reconfigure(forecast.length ? [hasWarnings(forecast) ? warningsGutter : [], forecastGutter] : []),
        this.diff.reconfigure(original === null ? [] : diffAgainst(original)),
      ],
    });
    this.view.dispatch({ effects: [setMarks.of(marks), setForecast.of(forecast)] });
  }

  goTo(line: number) {
    const { doc } = this.view.state;
    if (line < 1 || line > doc.lines) return;
    const { from } = doc.line(line);
    this.view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
  }

  // Puts the caret where it was before the page was loaded again.
  moveTo(path: string, caret: number) {
    if (path !== this.path || caret <= 0) return;
    const anchor = Math.min(caret, this.view.state.doc.length);
    this.view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
  }

  find() {
    openSearchPanel(this.view);
  }

  private newState(path: string, text: string) {
    const build = () => {
      this.on.build();
      return true;
    };
    const save = () => {
      this.on.save();
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
        warningsField,
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
          const isTyped = update.transactions.some((one) => one.docChanged && !one.annotation(fromPython));
          const text = () => update.state.doc.toString().replaceAll("\n", this.lineEnds.get(path) ?? "\n");
          if (isTyped) this.on.change(path, text);
          if (update.selectionSet) this.on.move(path, update.state.selection.main.head);
        }),
      ],
    });
  }
}

// A file of another system keeps its line ends; one that mixes them keeps every character as it is.
export function withPlainLineEnds(text: string): [text: string, lineEnd: string] {
  const isWindows = text.includes("\r\n") && !/(^|[^\r])\n|\r(?!\n)/.test(text);
  return isWindows ? [text.replaceAll("\r\n", "\n"), "\r\n"] : [text, "\n"];
}

function diffAgainst(original: string) {
  const [text] = withPlainLineEnds(original);
  return unifiedMergeView({ original: text, mergeControls: false, gutter: true, collapseUnchanged: { margin: 3, minSize: 8 } });
}

export function smallestChange(old: string, text: string) {
  let start = 0;
  const shorter = Math.min(old.length, text.length);
  while (start < shorter && old[start] === text[start]) start++;
  let end = 0;
  while (end < shorter - start && old[old.length - 1 - end] === text[text.length - 1 - end]) end++;
  return { from: start, to: old.length - end, insert: text.slice(start, text.length - end) };
}
