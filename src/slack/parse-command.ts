/** What somebody typed after /experiment. */
export type Typed =
  /** `near`: a subcommand that it begins as, without fitting its form. `unknown`: it fits but for this experiment, which does not exist. */
  | { is: 'prompt'; prompt: string; near?: Subcommand; unknown?: string }
  | { is: 'empty' }
  | { is: 'suggestion'; word: string; subcommand: Subcommand }
  | { is: 'status' | 'list' | 'approvals' | 'help' }
  | { is: 'show' | 'stop' | 'record'; id: Ref }
  | { is: 'rerun'; id: Ref; changes: Record<string, string> }
  | { is: 'compare'; a: Ref; b: Ref }
  | { is: 'best'; experiment: string; metric: string }
  /** `phrase`: the words stand together, as quoted. */
  | { is: 'find'; words: string; phrase: boolean };

/** What an ID stands for: a session's alias, the ts of its thread, or a run. */
export type Ref = { of: 'alias'; alias: string } | { of: 'thread'; channel: string; ts: string } | { of: 'run'; run: string };

/** Every subcommand with the form it must fit. */
export const FORMS = {
  status: 'status',
  list: 'list',
  show: 'show ID',
  stop: 'stop ID',
  rerun: 'rerun ID key=value…',
  compare: 'compare A B',
  best: 'best EXPERIMENT METRIC',
  find: 'find WORDS',
  record: 'record ID',
  approvals: 'approvals',
  help: 'help',
} as const;
export type Subcommand = keyof typeof FORMS;

type Options = {
  /** The app's own user id: a leading mention of it is dropped. */
  bot?: string | undefined;
  /** Whether an experiment of this name exists; without it `best` is never a subcommand. */
  isExperiment?: ((name: string) => boolean) | undefined;
};

/**
 * Reads a command's text. A subcommand counts only in lower case and when the whole text fits its form; everything else is a prompt, kept to the letter
 * after un-escaping `&amp; &lt; &gt;` and dropping a leading mention of the app. "Run a training job …" is a prompt.
 */
export function parseCommand(raw: string, { bot, isExperiment }: Options = {}): Typed {
  const prompt = unescapeSlack(dropMention(raw, bot));
  const words = prompt.trim().split(/\s+/).filter(Boolean);
  const [first] = words;
  if (first === undefined) return { is: 'empty' };
  const fitting = isSubcommand(first) ? fits(first, words.slice(1), prompt.trim().slice(first.length).trim(), isExperiment) : null;
  if (fitting) return fitting;
  if (words.length === 1) {
    const near = nearest(first);
    if (near) return { is: 'suggestion', word: first, subcommand: near };
  }
  const near = isSubcommand(first) && isNear(first, words.slice(1)) ? { near: first } : {};
  return { is: 'prompt', prompt, ...near };
}

/** Slack escapes exactly these three, once. */
export function unescapeSlack(text: string): string {
  return text.replace(/&(amp|lt|gt);/g, (_, name: 'amp' | 'lt' | 'gt') => ({ amp: '&', lt: '<', gt: '>' })[name]);
}

/** Without the app's mention at the very beginning, and the blanks around it. */
export function dropMention(text: string, bot: string | undefined): string {
  if (!bot) return text;
  const mention = text.match(/^\s*<@([A-Z0-9]+)(?:\|[^>]*)?>[\s:,]*/);
  return mention?.[1] === bot ? text.slice(mention[0].length) : text;
}

function fits(subcommand: Subcommand, args: string[], rest: string, isExperiment: Options['isExperiment']): Typed | null {
  switch (subcommand) {
    case 'status':
    case 'list':
    case 'approvals':
    case 'help':
      return args.length === 0 ? { is: subcommand } : null;
    case 'show':
    case 'stop':
    case 'record': {
      const id = args.length === 1 ? readRef(args[0]) : null;
      return id ? { is: subcommand, id } : null;
    }
    case 'rerun': {
      const id = readRef(args[0]);
      const changes = args.slice(1).map((pair) => pair.match(/^([A-Za-z_][\w.-]*)=(.+)$/));
      if (!id || changes.some((c) => c === null)) return null;
      return { is: 'rerun', id, changes: Object.fromEntries(changes.map((c) => [c?.[1] ?? '', c?.[2] ?? ''])) };
    }
    case 'compare': {
      const [a, b] = args.length === 2 ? [readRef(args[0]), readRef(args[1])] : [null, null];
      return a && b ? { is: 'compare', a, b } : null;
    }
    case 'best': {
      const [, quoted, curly, bare, metric] = rest.match(/^(?:"([^"]+)"|“([^”]+)”|([^\s"“”]+))\s+([^\s"“”]+)$/) ?? [];
      const experiment = quoted ?? curly ?? bare;
      return experiment && metric && isExperiment?.(experiment) ? { is: 'best', experiment, metric } : null;
    }
    case 'find': {
      const quoted = rest.match(/^(?:"([^"]+)"|“([^”]+)”)$/);
      if (quoted) return { is: 'find', words: quoted[1] ?? quoted[2] ?? '', phrase: true };
      return args.length >= 1 && args.length <= 4 && !/["“”]/.test(rest) ? { is: 'find', words: rest, phrase: false } : null;
    }
    default:
      return subcommand satisfies never;
  }
}

/** Few words, or an ID where the form has one: whoever wrote it may have meant the subcommand. A sentence about runs is longer, or begins otherwise. */
function isNear(subcommand: Subcommand, args: readonly string[]): boolean {
  if (subcommand === 'find') return args.length <= FEW || /^["“]/.test(args[0] ?? '');
  if (subcommand === 'best') return args.length <= 2;
  // Who wants something stopped may not have its ID at hand.
  if (subcommand === 'stop') return args.length <= FEW;
  return readRef(args[0]) !== null && args.length <= FEW;
}

const FEW = 5;

function readRef(word: string | undefined): Ref | null {
  if (word === undefined) return null;
  if (/^e-[a-z0-9]{3,12}$/.test(word)) return { of: 'alias', alias: word };
  // .../archives/C0ML/p1700000000000100, or ?thread_ts=… for a message inside the thread; Slack may put <…> around it.
  const link = word.match(
    /^<?https?:\/\/[^\s|>]*\/archives\/([A-Z0-9]+)\/p(\d{10})(\d{6})(?:\?[^\s|>]*?\bthread_ts=(\d+\.\d+)[^\s|>]*|\?[^\s|>]*)?(?:\|[^>]*)?>?$/,
  );
  if (link?.[1]) return { of: 'thread', channel: link[1], ts: link[4] ?? `${link[2]}.${link[3]}` };
  if (/^(\d{2,19}|[0-9a-f]{32})$/.test(word)) return { of: 'run', run: word };
  // A page of Databricks or MLflow: …/runs/<id>, with or without more behind it.
  const page = word.match(/^<?https?:\/\/[^\s|>]*\/runs?\/(\d{2,19}|[0-9a-f]{32})(?:[/?#][^\s|>]*)?(?:\|[^>]*)?>?$/);
  if (page?.[1]) return { of: 'run', run: page[1] };
  return null;
}

function isSubcommand(word: string): word is Subcommand {
  return Object.hasOwn(FORMS, word);
}

/** The subcommand a lone word probably meant: itself without what it needs, another case of it, or a slip of the finger. */
function nearest(word: string): Subcommand | null {
  if (word.length > 20) return null;
  const lower = word.toLowerCase().replace(/[^a-z]/g, '');
  if (isSubcommand(lower)) return lower;
  const [best] = (Object.keys(FORMS) as Subcommand[]).map((s) => ({ s, d: distance(lower, s) })).sort((a, b) => a.d - b.d);
  return best && best.d <= (best.s.length >= 6 ? 2 : 1) ? best.s : null;
}

/** Levenshtein distance, a swap of neighbours counting as one. */
function distance(a: string, b: string): number {
  const d: number[][] = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array<number>(b.length).fill(0)]);
  const at = (i: number, j: number) => d[i]?.[j] ?? 0;
  for (let j = 0; j <= b.length; j++) (d[0] as number[])[j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, at(i - 2, j - 2) + 1);
      (d[i] as number[])[j] = least;
    }
  }
  return at(a.length, b.length);
}
