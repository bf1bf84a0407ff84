// The traits that Python sends, one type for each of its frozen types, and the messages between the page and Python.

export type StepState = "cached" | "ran" | "running" | "failed" | "cancelled" | "waiting" | "unclear" | "no-step" | "not-needed";
export type ForecastState = "hit" | "miss" | "depends";

// speedkit.messages.for_page; {} in English.
export type Catalogue = {
  texts?: Record<string, string>;
  plurals?: Record<string, string[]>;
  form_of?: number[];
};

// The traits of every live widget: speedkit.widgets.live_widget.
export type SharedTraits = {
  catalogue: Catalogue;
  twin: string;
  said: string;
};

// The newest choice that Python has heard from each open page.
type Confirmed = { confirmed: Record<string, number> };

// The rest follows speedkit.page.workbench_page, whose docstrings explain the fields.
export type WorkbenchTraits = SharedTraits & {
  app_facts: AppFacts;
  strategies: Named[];
  strategy: ChosenStrategy;
  edits: Named[];
  files: FileTab[];
  view: WorkbenchView;
  running: Running;
  shown_log: ShownLog;
  found: LogMatches;
  marks: Mark[];
  forecast: ForecastEntry[];
  notice: NoticeFacts | null;
  engine: string;
  outlook_html: string;
  steps_html: string;
  builds_html: string;
};

export type AppFacts = { name: string; folder: string; is_read_only: boolean };

export type Named = { name: string; summary: string };

export type ChosenStrategy = { name: string; base: string; is_custom: boolean };

export type FileTab = {
  path: string;
  label: string;
  is_dockerfile: boolean;
  version: number;
  by: string;
  state: "text" | "missing" | "refused";
  reason: string;
  changed: boolean;
};

// number: of the build that runs, 0 for none.
export type Running = { number: number; cancelling: boolean };

// speedkit.page.selection.Selection
export type WorkbenchView = Confirmed & {
  tab: string;
  caret: number;
  diff: boolean;
  shown: number;
  step: string | null;
  before: number | null;
  after: number | null;
  query: string;
  match: number;
  follow: boolean;
  internal: boolean;
  all: boolean;
};

export type ShownLog = {
  number: number;
  step: string | null;
  hint: string;
  line: number | null;
  text: string;
  state: StepState;
  why: string;
  error: string;
  lines: number;
  chars: number;
  at: number | null;
};

export type LogMatches = { number: number; step: string | null; query: string; lines: number[]; total: number };

// speedkit.page.failure_marks.Mark
export type Mark = { path: string; line: number; column: number | null; message: string; text: string };

// An entry of a forecaster, see speedkit.widgets.forecast_worker. A line without a vertex has neither verdict.
export type ForecastEntry = {
  line: number;
  forecast: ForecastState | "no-step" | "not-needed";
  because: string;
  short?: string;
  warnings?: string[];
};

export type NoticeFacts = { kind: "info" | "error" | "engine"; what: string; fix: string };

// speedkit.page.layers_html.layers_traits
export type LayersTraits = SharedTraits & {
  title: string;
  view: LayersChoices;
  heading_html: string;
  images_html: string;
  files_title_html: string;
  tree_html: string;
  map_html: string;
  content_html: string;
};

// speedkit.page.layer_selection.LayerSelection
export type LayersChoices = Confirmed & {
  side: string;
  place: number;
  by: string;
  query: string;
  pane: string;
  folder: string;
  file: string | null;
};

// A line of a log: its text, or pieces of it, each with the classes of the colours in which the step printed it.
export type LogLine = string | [text: string, classes: string][];

export type LogPage = { lines: LogLine[]; chars: number; total: number };

// The content of each question of the page, and the answer.
export type Questions = {
  clock: { content: object; answer: { now_ms: number } };
  read: { content: { path: string }; answer: { text?: string } };
  original: { content: { path: string }; answer: { text?: string } };
  log: { content: { number: number; step: string | null; from: number; count: number }; answer: LogPage };
  copy: { content: { number: number; step: string | null }; answer: { text: string } };
};

// The content of each message of the page that has no answer. `view` holds what was chosen, in `patch`.
export type Messages = {
  view: { patch: object; number: number };
  text: { path: string; text: string };
  build: { cold?: boolean };
  cancel: object;
  edit: { name: string };
  reset: { path: string };
  reset_all: object;
  strategy: { name: string };
  save_strategy: { name: string };
  dismiss: object;
  retry: object;
  open: { path: string; open: boolean };
  more: { path: string };
};
