/**
 * What every contender does: one experiment's session of so many tool calls, one call a reply, each answered with 1 KB of JSON such as a training's figures are.
 * Everything follows from the session's name and the number of the call, so that all contenders exchange the same bytes with the model.
 */

export const MODEL = 'claude-sonnet-5-5';
export const MAX_TOKENS = 8_192;
/** The session that the peers were measured with, too: 8 tool calls, 9 model calls. */
export const CALLS = 8;

/**
 * What the prompt says is all that the model's stand-in knows of a session. `ask`: the number of the call that needs a person's yes, 0 for none; `wait`: of the one that
 * waits for a training run.
 */
export type Script = { session: string; calls: number; ask: number; wait?: number; bytes: number };

export function promptOf({ session, calls, ask, wait = 0, bytes }: Script): string {
  return `Compare the last runs of ads-rank-v3 and say which is best. [bench ${session} calls=${calls} ask=${ask} wait=${wait} bytes=${bytes}]`;
}

/** The name of the tool that call `n` (from 1) goes to: two in eight are effects, which must be claimed before they happen. */
export function toolOf(n: number, { ask, wait }: Script): string {
  if (n === wait) return 'wait_for_training';
  if (n === ask) return 'promote_run';
  return n % 4 === 0 ? 'note_in_thread' : 'read_training';
}

export function inputOf(n: number, { session, bytes, ask, wait }: Script): Record<string, unknown> {
  if (n === ask || n === wait) return { run_id: `${session}-${n}` };
  if (n % 4 === 0) return { text: `Call ${n}: val_f1 is better than the baseline by ${figure(session, n, 0)}.` };
  return { run_id: `${session}-${n}`, bytes };
}

/** About `bytes` of JSON: figures, as a tracking server would give them. */
export function trainingOf(runId: string, bytes: number): { run_id: string; status: string; history: { step: number; val_f1: number; val_loss: number }[] } {
  const history: { step: number; val_f1: number; val_loss: number }[] = [];
  for (let step = 1, size = 60; size < bytes; step++) {
    const point = { step, val_f1: figure(runId, step, 1), val_loss: figure(runId, step, 2) };
    history.push(point);
    size += JSON.stringify(point).length + 1;
  }
  return { run_id: runId, status: 'SUCCEEDED', history };
}

/** A number between 0 and 1 that is always the same for the same place. */
function figure(name: string, a: number, b: number): number {
  let h = 2_166_136_261 ^ a ^ (b << 16);
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 16_777_619);
  h = Math.imul(h ^ (h >>> 15), 2_246_822_507);
  return Number((((h ^ (h >>> 13)) >>> 0) / 2 ** 32).toFixed(6));
}

/** The tools as a model is shown them. */
export const TOOLS = [
  {
    name: 'read_training',
    description: 'A training run with its curve: status, val_f1 and val_loss by step. Use to look at how a run went. Not for comparing two runs.',
    input_schema: {
      type: 'object' as const,
      properties: { run_id: { type: 'string', description: 'The run.' }, bytes: { type: 'integer', description: 'About how long the answer may be.' } },
      required: ['run_id', 'bytes'],
    },
  },
  {
    name: 'note_in_thread',
    description: 'Writes a line into the thread. Use for what colleagues should know before the end.',
    input_schema: { type: 'object' as const, properties: { text: { type: 'string' } }, required: ['text'] },
  },
  {
    name: 'promote_run',
    description: 'Makes a run the baseline of its experiment. Use when a run is better and it was asked for.',
    input_schema: { type: 'object' as const, properties: { run_id: { type: 'string' } }, required: ['run_id'] },
  },
  {
    name: 'wait_for_training',
    description: 'Waits until a training run has ended. Use once after starting it.',
    input_schema: { type: 'object' as const, properties: { run_id: { type: 'string' } }, required: ['run_id'] },
  },
];

/** What a call answers, for contenders that call plain functions. */
export function answerOf(tool: string, input: Record<string, unknown>): Record<string, unknown> {
  if (tool === 'read_training') return trainingOf(String(input['run_id']), Number(input['bytes']));
  return tool === 'promote_run' ? { run_id: String(input['run_id']), promoted: true } : { posted: true };
}
