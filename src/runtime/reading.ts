import type { Session } from '../session/state.ts';
import type { RunProgress } from './progress.ts';

/** One line of `list`, `find` and App Home: no log is read for them. */
export type About = {
  /** The line it was made at. It stands first, where a script finds it; entries from before there was one are older than any. */
  seq?: number | undefined;
  session: string;
  alias: string;
  team: string;
  channel: string;
  /** What an MCP client did, which has no thread. */
  door?: 'mcp' | undefined;
  /** It came to nothing but words in a thread, and stands in no list. */
  talk?: true | undefined;
  thread: string | null;
  by: string;
  prompt: string;
  /** Its `stateWord`, which an older labmate may have written. */
  state: string;
  openedAt: string;
  changedAt: string;
  endedAt: string | null;
  verdict: string | null;
  /** Questions that wait for a yes, and since when the oldest does. */
  asks?: { count: number; since: string } | undefined;
  people: string[];
  parameters: Record<string, string>;
  /** Databricks and MLflow ids of what it ran. */
  runs?: string[] | undefined;
  /** Words of the prompt that `prompt` does not show. */
  words?: string | undefined;
  /** Its place in a line of repetitions, and the session the line began with. */
  line?: { first: string; place: number } | undefined;
  /** A backend or the model from which nobody gets an answer, and since when it waits for that. */
  waits?: { upstream: string; since: string } | undefined;
};

/** What may be read of sessions, without a lease. Chains are verified as they are read; a broken one throws BrokenChain. */
export type Reading = {
  session(id: string): Promise<Session | null>;
  /** The exact lines, as stored. */
  lines(id: string): Promise<{ lines: string[]; head: string; ended: boolean } | null>;
  ofAlias(team: string, alias: string): Promise<string | null>;
  /** The latest session that lives in a thread. */
  ofThread(team: string, channel: string, thread: string): Promise<string | null>;
  /** Newest first; what ended longer ago than is kept, or came to nothing but words, is left out. */
  list(team: string): Promise<About[]>;
  /** The root message's ts, once posted. */
  root(id: string): Promise<{ channel: string; ts: string } | null>;
  /** Where a slot's message stands, once posted. */
  shown(id: string, slot: string): Promise<{ channel: string; ts: string } | null>;
};

/** What the thread shows already: slot name -> message. Kept in Redis beside the log. */
export type ShownSlot = {
  channel: string;
  ts: string | null;
  hash: string;
  /** ms: a post was begun and its reply not seen yet. */
  trying?: number;
  /** Slack refused this content with a word that may pass: not tried again before then (ms). */
  refused?: { hash: string; until: number };
  /** Slack did not take its chart: it is sent without from now on, and a picture stands in. */
  chartless?: true;
  /** It is a stream of Slack's own now: since when (ms), and what each part of it shows, as hashes. */
  stream?: { since: number; sent: Record<string, string> };
  /** What is being tried is the beginning of a stream. */
  starting?: true;
  /** The message it took the place of, to be taken away. */
  gone?: string;
};
export type Slots = {
  all(): Promise<Record<string, ShownSlot>>;
  /** Asked before each change too: is what `all` said still so? Throws where another process may have shown more meanwhile. */
  still(): Promise<void>;
  set(slot: string, shown: ShownSlot): Promise<void>;
  drop(slot: string): Promise<void>;
};

/** Shared by all processes: waits of 0 mean go. Takes the place when it answers 0. After a quiet time `atOnce` places are free (1). */
export type Limiter = (name: string, everyMs: number, atOnce?: number) => Promise<number>;

/**
 * Brings the thread to what the session says. Answers when it wants to be called again although the log has not grown
 * (coalescing, a rate limit, a reminder), or null when the thread shows everything.
 */
export type Show = (
  session: Session,
  slots: Slots,
  limiter: Limiter,
  now: number,
  /** How far the runs are that it waits for. */
  progress?: readonly RunProgress[],
) => Promise<{ againInMs: number } | null>;
