import { digestOf } from '../../src/policy/digest.ts';
import type { Entry } from '../../src/session/events.ts';

/** Something that really happened at a backend. */
export type Effect = { key: string; tool: string; arguments: Record<string, unknown> };

type Question = { call: string; digest: string; need: number; votes: Set<string>; state: string; expires: number; lastVote: number };

/**
 * What is wrong with a session: an effect ran if and only if exactly one valid approval of exactly these bytes existed at that moment, at most once. Reads the log
 * with rules of its own and never the product's fold, so that a fault there can't hide itself. `resting`: nothing more is going to happen by itself.
 */
export function wrongs(
  entries: readonly Entry[],
  effects: readonly Effect[],
  { executionExpiresMs, resting }: { executionExpiresMs: number; resting: boolean },
): string[] {
  const wrong: string[] = [];
  const questions = new Map<string, Question>();
  const calls = new Map<string, { tool: string; latest: string | null; finished: boolean }>();
  const starts = new Map<string, { seq: number; tool: string; digest: string; call: string }>();
  let stopped = false;
  let ended = false;

  for (const { seq, m, event: e } of entries) {
    const say = (what: string) => wrong.push(`line ${seq} (${e.type}): ${what}`);
    if (ended) say('something follows the end');
    const ask = (call: string, approval: string, q: { digest: string; arguments: Record<string, unknown>; expires_at: string }, need: number) => {
      const tool = calls.get(call)?.tool ?? '';
      if (digestOf(tool, q.arguments) !== q.digest) say(`the card of ${approval} shows other bytes than its digest`);
      if (questions.has(approval)) say(`${approval} is asked twice`);
      questions.set(approval, { call, digest: q.digest, need, votes: new Set(), state: 'pending', expires: Date.parse(q.expires_at), lastVote: 0 });
      const of = calls.get(call);
      if (of) of.latest = approval;
    };
    switch (e.type) {
      case 'replied':
        for (const c of e.calls) calls.set(c.id, { tool: c.tool, latest: null, finished: false });
        break;
      case 'told':
        if (e.kind === 'stop') stopped = true;
        break;
      case 'call_parked':
        if (calls.get(e.call)?.finished) say(`${e.call} is finished and asks again`);
        if (e.waiting.for === 'approval') ask(e.call, e.waiting.approval, e.waiting, e.waiting.need);
        break;
      case 'approved': {
        const q = questions.get(e.approval);
        if (!q) say('a yes to nothing');
        else {
          if (q.state !== 'pending') say(`a yes to what is ${q.state}`);
          if (m > q.expires) say(`a yes ${m - q.expires} ms after its time`);
          if (q.votes.has(e.by)) say(`${e.by} says yes twice`);
          if (q.digest !== e.digest) say('a yes to other bytes');
          q.votes.add(e.by);
          q.lastVote = m;
          if (q.votes.size >= q.need) q.state = 'approved';
        }
        break;
      }
      case 'denied':
      case 'expired':
      case 'edited': {
        const q = questions.get(e.approval);
        if (!q) say('a decision on nothing');
        else {
          if (q.state !== 'pending') say(`${e.type} after ${q.state}`);
          q.state = e.type;
          if (e.type === 'edited') {
            if (calls.get(e.call)?.finished) say(`${e.call} is finished and asks again`);
            ask(e.call, e.next.approval, e.next, q.need);
          }
        }
        break;
      }
      case 'withdrawn': {
        const q = questions.get(e.approval);
        if (!q) say('taking back nothing');
        else if (q.state === 'used') say('taking back what was used');
        else if (e.of === 'question') q.state = 'withdrawn';
        else {
          if (!q.votes.delete(e.by)) say(`${e.by} takes back a yes never given`);
          q.state = 'pending';
        }
        break;
      }
      case 'call_started': {
        const q = questions.get(e.approval ?? '');
        const c = calls.get(e.call);
        if (stopped) say('begun after the stop');
        if (!c || c.finished) say('begun for a call that is not open');
        if (digestOf(e.tool, e.arguments) !== e.digest) say('its bytes are not its digest');
        if (c && c.tool !== e.tool) say(`another tool than ${c.tool}`);
        if (starts.has(e.key)) say('begun twice');
        if (!q) say('begun without an approval');
        else {
          if (q.state !== 'approved') say(`begun on an approval that is ${q.state}`);
          if (q.call !== e.call) say("begun on another call's approval");
          if (q.digest !== e.digest) say('begun on an approval of other bytes');
          if (m - q.lastVote > executionExpiresMs) say('begun too long after the yes');
          q.state = 'used';
        }
        starts.set(e.key, { seq, tool: e.tool, digest: e.digest, call: e.call });
        break;
      }
      case 'call_finished': {
        const c = calls.get(e.call);
        if (!c || c.finished) say(`${e.call} is finished twice`);
        else c.finished = true;
        if (questions.get(c?.latest ?? '')?.state === 'pending') say('finished while people are still asked about it');
        break;
      }
      case 'refused':
        if (e.of === 'call') {
          const c = calls.get(e.call);
          if (c) c.finished = true;
          if (questions.get(c?.latest ?? '')?.state === 'pending') say('refused while people are still asked about it');
        }
        break;
      case 'ended':
        ended = true;
        break;
      default:
        break;
    }
  }

  const seen = new Set<string>();
  for (const effect of effects) {
    const start = starts.get(effect.key);
    if (seen.has(effect.key)) wrong.push(`an effect of ${effect.tool} happened twice`);
    seen.add(effect.key);
    if (!start) wrong.push(`an effect of ${effect.tool} that nobody let go`);
    else if (digestOf(effect.tool, effect.arguments) !== start.digest) wrong.push(`an effect of ${effect.tool} with other bytes than were approved`);
  }
  if (resting) {
    for (const [key, start] of starts) if (!seen.has(key)) wrong.push(`line ${start.seq}: let go, and it never happened`);
    for (const [id, q] of questions) {
      const c = calls.get(q.call);
      if (q.state === 'approved' && c?.latest === id && !c.finished && !stopped && !ended) wrong.push(`${id} is approved, and it never ran`);
    }
  }
  return wrong;
}
