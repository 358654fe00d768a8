import { cameTo } from './came-to.ts';
import { openCalls, type Session } from './state.ts';

/** Where a session stands, in one word of ours: what people read of it is made from this, wherever they look. */
export type State =
  | 'thinking'
  /** A client's session in which no call is open: nobody here thinks for it. */
  | 'idle'
  | 'working'
  | 'approval'
  | 'question'
  | 'training'
  /** A backend or the model is waited for. */
  | 'limit'
  | 'budget'
  | 'attention'
  | 'stopping'
  /** Stopped, and people are asked what becomes of a run that goes on. */
  | 'offer'
  | 'done'
  | 'stopped'
  | 'failed'
  | 'over budget';

/** What people can do something about comes first; then what is being done, then what is waited for. */
export function stateOf(s: Session): State {
  if (s.ended) return s.ended.outcome === 'limit' ? 'over budget' : s.ended.outcome;
  if (s.stop) return s.offer && !s.offer.answer ? 'offer' : 'stopping';
  if (s.attention) return 'attention';
  if (s.limit) return 'budget';
  const open = openCalls(s);
  const waits = (what: string) => open.some((c) => c.status.is === 'parked' && c.status.waiting.for === what);
  if (waits('approval')) return 'approval';
  if (waits('answer')) return 'question';
  if (open.some((c) => c.status.is === 'started' || c.status.is === 'asked')) return 'working';
  if (waits('job')) return 'training';
  if (waits('retry') || s.retry) return 'limit';
  return s.opened.door === 'mcp' ? 'idle' : 'thinking';
}

/** As lists, figures and traces have it, in one word or a few; the index of sessions keeps it. */
const WORDS: Record<Exclude<State, 'done' | 'stopped' | 'failed' | 'over budget'>, string> = {
  thinking: 'thinking',
  idle: 'idle',
  working: 'working',
  approval: 'waiting for approval',
  question: 'waiting for an answer',
  training: 'training',
  limit: 'waiting to retry',
  budget: 'at its limit',
  attention: 'needs attention',
  stopping: 'stopping',
  offer: 'stopped but running',
};

const WAITING = new Set((['approval', 'question', 'limit', 'budget', 'attention', 'offer'] as const).map((state) => WORDS[state]));

export function stateWord(s: Session): string {
  const state = stateOf(s);
  if (state in WORDS) return WORDS[state as keyof typeof WORDS];
  const words = cameTo(s);
  return `${words.charAt(0).toLowerCase()}${words.slice(1)}`;
}

/** Does a session that stands there, as `stateWord` has it, wait for somebody or for a backend? A training is no waiting. */
export function isWaiting(word: string): boolean {
  return WAITING.has(word);
}
