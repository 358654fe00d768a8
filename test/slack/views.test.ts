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
import { opened as begun, DIGEST, replied, sessionOf } from '../session/logs.ts';
import { permissions } from './a-desk.ts';
import { build } from './any-session.ts';

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
      { numRuns: 20, endOnFailure: true },
    );
  }, 60_000);

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
        for (const approval of s.approvals.values())
          expect(refuseBlocks(callDetails(approval, 'x', { requester: 'U1', mayApprove: () => [], closed: false }).blocks, 'modal')?.error ?? null).not.toBe(
            'invalid_blocks',
          );
      }),
      { numRuns: 15, endOnFailure: true },
    );
  }, 60_000);

  test('where one stands says what its record came to, or how far it is', () => {
    const line = (...more: SessionEvent[]) => JSON.stringify(shown(sessionOf([begun(), replied(1), ...more]), null).blocks);
    expect(line()).toContain('steps done. Record so far: 2 lines');
    expect(line({ type: 'ended', outcome: 'done', text: '' })).toContain('steps done. Record: 3 lines');
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
      { numRuns: 15, endOnFailure: true },
    );
  }, 60_000);
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
