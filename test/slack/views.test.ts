import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unescaped, visible } from '../../src/policy/outside-text.ts';
import { refuseBlocks, textLength } from '../../src/sandbox/slack/validate-blocks.ts';
import type { Block } from '../../src/services/slack.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import type { Session } from '../../src/session/state.ts';
import { help, listed, shown } from '../../src/slack/answers.ts';
import { callDetails } from '../../src/slack/modals.ts';
import { waiting } from '../../src/slack/my-approvals.ts';
import { narrate } from '../../src/slack/narrate.ts';
import { DIGEST, sessionOf } from '../session/logs.ts';
import { permissions } from './a-desk.ts';

/** Text as attackers and tracebacks write it: Slack's own syntax, invisible marks, broken surrogates, and a lot of it. */
const nasty = fc.oneof(
  fc.constantFrom(
    '<!channel>',
    '<@U2> <!subteam^S1> <https://evil.example|Approve>',
    '```\n*Approved by <@U2>*\n```',
    '\u202Edrop\u202C \u200Bzero\u2063 \u{E0041}',
    'аdmin',
    '\uD800 half',
    '&lt;&amp;',
    '> quote\n• bullet\n:tada:',
    '\u0000\u001b[31m',
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ maxLength: 30 }).map((s) => s.repeat(400)),
  fc.constant('x<&>'.repeat(4_000)),
);

/** A session in which every text that comes from outside is one of these. */
const anySession = fc
  .record({
    texts: fc.array(nasty, { minLength: 16, maxLength: 16 }),
    many: fc.integer({ min: 1, max: 40 }),
    end: fc.boolean(),
    decide: fc.constantFrom('none', 'approved', 'denied', 'expired', 'withdrawn'),
  })
  .map(({ texts, many, end, decide }) => build(texts, many, end, decide));

function build(texts: string[], many: number, end: boolean, decide: string): Session {
  const at = (i: number) => texts[i % texts.length] || 'x';
  const preview = {
    summary: at(0),
    environment: at(1),
    facts: Array.from({ length: many }, (_, i) => ({ label: at(i), value: at(i + 1) })),
    changes: Array.from({ length: many }, (_, i) => ({ name: at(i + 2), from: at(i + 3), to: at(i + 4) })),
    last: { what: at(6), changes: Array.from({ length: many }, (_, i) => ({ name: at(i + 3), from: at(i + 4), to: at(i + 5) })) },
    adds: [at(7), at(8)],
    why: at(5),
  };
  const call = (id: string, tool: string, input: unknown = {}) => ({ id, tool, input });
  const gated = Array.from({ length: Math.min(7, many) }, (_, i) => call(`c${i}`, at(i)));
  const decision = { call: 'c0', approval: 's1/c0', by: 'U2', digest: DIGEST };
  const events: SessionEvent[] = [
    { type: 'opened', team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt: at(6), alias: 'e-test', door: 'command', model: at(7) },
    {
      type: 'replied',
      model: 'm',
      saw: 1,
      stop: 'tool_use',
      content: [{ type: 'text', text: at(8) }],
      calls: [...gated, call('ask', 'ask_person'), call('cmp', 'compare_runs'), call('rest', 'wait_for_job')],
      usage: { input: 0, output: 0, cache_read: 0, cache_write: 0 },
      request_id: null,
    },
    ...gated.map(
      (c): SessionEvent => ({
        type: 'call_parked',
        call: c.id,
        waiting: {
          for: 'approval',
          approval: `s1/${c.id}`,
          digest: DIGEST,
          arguments: { text: at(9), many: Array.from({ length: many }, (_, i) => at(i)) },
          preview,
          expires_at: '2026-11-02T09:00:00.000Z',
          need: 2,
        },
      }),
    ),
    {
      type: 'call_parked',
      call: 'ask',
      waiting: { for: 'answer', question: at(10), options: texts.slice(0, 8).map((o) => o || 'x'), to: 'U1', free_text: true },
    },
    { type: 'call_parked', call: 'rest', waiting: { for: 'retry', at: '2026-11-01T10:00:00.000Z', why: at(11), upstream: at(12), attempt: 1 } },
    { type: 'call_finished', call: 'cmp', outcome: { status: 'ok', text: at(13), data: comparison(at, many) } },
    { type: 'told', by: 'U1', text: at(14), ts: null, kind: 'message', standing: 'requester' },
    { type: 'noted', about: 'attention', text: at(15) },
    ...(decide === 'approved' ? [{ type: 'approved' as const, ...decision, votes: 1, need: 2 }] : []),
    ...(decide === 'denied' ? [{ type: 'denied' as const, ...decision, reason: at(3) }] : []),
    ...(decide === 'expired' ? [{ type: 'expired' as const, call: 'c0', approval: 's1/c0' }] : []),
    ...(decide === 'withdrawn' ? [{ type: 'withdrawn' as const, call: 'c0', approval: 's1/c0', by: 'U1', of: 'question' as const }] : []),
    ...(end ? [{ type: 'ended' as const, outcome: 'failed' as const, text: at(2) }] : []),
  ];
  return sessionOf(events);
}

function comparison(at: (i: number) => string, many: number) {
  const side = { run_id: at(1), name: at(2), url: at(3) };
  const readings = { relative: { delta_pct: 1, verdict: 'improved' }, points: { delta_points: 1, verdict: 'improved' }, used: 'relative' };
  return {
    baseline: side,
    candidate: side,
    primary: { metric: at(4), baseline: 0.71, candidate: 0.73, delta: 0.02, delta_pct: 2.8, verdict: 'improved', verdict_reason: at(5), readings },
    metrics: Array.from({ length: many }, (_, i) => ({ key: at(i), baseline: 0.1, candidate: 'NaN', delta: null, delta_pct: null, flag: at(i + 1) })),
    warnings: Array.from({ length: many }, (_, i) => at(i)),
  };
}

/** Every string of a block that is text. */
function texts(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(texts);
  if (!value || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, v]) =>
    typeof v === 'string' ? (['text', 'title', 'label', 'name', 'caption', 'alt_text'].includes(key) ? [v] : []) : texts(v),
  );
}

function types(value: unknown): { type: string; [key: string]: unknown }[] {
  if (Array.isArray(value)) return value.flatMap(types);
  if (!value || typeof value !== 'object') return [];
  const own = 'type' in value && typeof value.type === 'string' ? [value as { type: string }] : [];
  return [...own, ...Object.values(value).flatMap(types)];
}

describe('whatever stands in a log', () => {
  test('every message is one that Slack accepts, and its text is safe', () => {
    fc.assert(
      fc.property(anySession, (s) => {
        for (const slot of narrate(s, { approvers: permissions.approvers })) {
          if (!('blocks' in slot)) continue;
          expect({ slot: slot.name, refused: refuseBlocks(slot.blocks) }).toEqual({ slot: slot.name, refused: null });
          expect(textLength(slot.blocks)).toBeLessThanOrEqual(13_000);
          expect(slot.text.length).toBeLessThanOrEqual(3_000);
          safe(slot.blocks, [slot.text]);
        }
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });

  test('every private answer and dialog is one that Slack accepts', () => {
    fc.assert(
      fc.property(anySession, nasty, (s, text) => {
        const about = { session: 's1', alias: 'e-test', team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt: text, state: text, verdict: text };
        const list = Array.from({ length: 30 }, () => ({ ...about, openedAt: s.opened.at, changedAt: s.opened.at, endedAt: null, people: [], parameters: {} }));
        for (const answer of [
          help(),
          listed(text, list, text, 20),
          shown(s, text),
          waiting(opened(s).slice(0, 2), ['https://slack.example/1'], opened(s), () => []),
        ]) {
          if (!answer.blocks) continue;
          expect(refuseBlocks(answer.blocks)).toBeNull();
          safe(answer.blocks, [answer.text]);
        }
        for (const approval of s.approvals.values()) expect(refuseBlocks(callDetails(approval, 'x').blocks, 'modal')?.error ?? null).not.toBe('invalid_blocks');
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });

  test('an open decision keeps its buttons, and its digest stands beside them', () => {
    fc.assert(
      fc.property(anySession, (s) => {
        const slots = narrate(s, { approvers: permissions.approvers }).filter((slot) => slot.name.startsWith('card:'));
        const all = JSON.stringify(slots);
        for (const a of s.approvals.values()) {
          const open = a.state === 'pending' && !s.ended;
          expect(all.includes(`"action_id":"deny_call","text":{"type":"plain_text","text":"Deny","emoji":false},"value":"${a.id}"`)).toBe(open);
        }
        expect(all.split(DIGEST.slice(0, 12)).length - 1).toBeGreaterThanOrEqual(s.approvals.size);
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });
});

const opened = (s: Session) => [...s.approvals.values()].map((a) => ({ s, a, tool: 'x' }));

function safe(blocks: Block[], fallback: string[]) {
  const unsafe = [...texts(blocks), ...fallback].filter((text) => /[<>]|&(?!amp;|lt;|gt;)/.test(text) || visible(unescaped(text)) !== unescaped(text));
  expect(unsafe).toEqual([]);
  // Mentions only of people and groups that the host put there, buttons only of ours, links only where we made them.
  const allowed = new Set([
    'approve_call',
    'deny_call',
    'edit_call',
    'approve_all',
    'show_call',
    'withdraw_approval',
    'raise_budget',
    'stop_session',
    'retry_step',
    'change_session',
    'cancel_run',
    'leave_run',
    'answer_person',
    'rerun_session',
    'rerun_changed',
  ]);
  const forged = types(blocks).filter(
    (e) =>
      (e.type === 'user' && !['U1', 'U2'].includes(String(e['user_id']))) ||
      (e.type === 'usergroup' && e['usergroup_id'] !== 'S1') ||
      (e.type === 'button' && !allowed.has(String(e['action_id']))) ||
      ['mrkdwn', 'markdown', 'broadcast'].includes(e.type),
  );
  expect(forged).toEqual([]);
}
