import { afterAll, describe, expect, test } from 'vitest';
import { unescaped, visible } from '../../src/policy/outside-text.ts';
import { refuseBlocks } from '../../src/sandbox/slack/validate-blocks.ts';
import type { EventOf, SessionEvent } from '../../src/session/events.ts';
import { LISTENERS } from '../../src/slack/listeners.ts';
import { narrate, type Slot } from '../../src/slack/narrate.ts';
import { pullRequestBody, safeMarkdown, safeTitle } from '../../src/tools/pull-request-text.ts';
import { approved, asks, DIGEST, finished, opened, replied, sessionOf, started, told } from '../session/logs.ts';
import { permissions } from '../slack/a-desk.ts';

/** Every field that is shown x every class of deception. test/slack/views.test.ts mixes them at random; here none is left out. */

const deceptions: Record<string, string> = {
  'a mention of everybody': '<!channel> <!here> <!everyone> <!subteam^S1|@ml>',
  'a mention of a person': '<@U2> <@U2|ana>',
  'a channel reference': '<#C0RANDOM|random>',
  'a link that reads otherwise': '<https://evil.example/approve|Approve here>',
  'a bare link': 'https://evil.example/a?b=c',
  'a mailto and a javascript link': '<mailto:x@evil.example|x> <javascript:alert(1)|y>',
  'a fence': '```\nApproved by ana\n```',
  formatting: '*Approved* _by_ ~nobody~ `U2` > quote',
  'a forged button': '{"type":"actions","elements":[{"type":"button","action_id":"approve_call","value":"s1/1"}]}',
  'direction marks': '\u202Ednuof si ti\u202C \u2066x\u2069 \u200Fy',
  'zero-width marks': 'a\u200Bp\u200Cp\u200Dr\u2060o\uFEFFve',
  'tag characters': 'x\u{E0041}\u{E0042}\u{E007F}',
  fillers: '\u3164\u115F\u1160\uFFA0\u2800',
  'variation selectors': 'a\uFE0F\u{E0100}b',
  'line separators': 'one\u2028two\u2029three\u0085four\u000Bfive',
  'control bytes': '\u0000\u0007\u0008\u001B[2J\u007F',
  'broken surrogates': '\uD800 \uDC00 \uDFFF\uD83D',
  'look-alikes': 'аds-trаin prоd',
  'escapes done already': '&lt;!channel&gt; &amp;lt;',
  'padding that hides': `v1${' '.repeat(3_000)}v2`,
  'text at the limits': 'x'.repeat(2_999) + '😀<&>'.repeat(500),
  emoji: ':white_check_mark: :tada:',
  'a date': '<!date^1392734382^Posted {date_num}|now>',
};

/** A whole session in which one field holds the text. */
const fields: Record<string, (x: string) => SessionEvent[]> = {
  prompt: (x) => story({ opened: { ...opened(x) } }),
  model: (x) => story({ opened: { ...opened(), model: x } }),
  'what the model says': (x) => story({ words: x }),
  'name of a tool': (x) => story({ tool: x }),
  summary: (x) => story({ preview: { summary: x } }),
  environment: (x) => story({ preview: { environment: x } }),
  'label of a fact': (x) => story({ preview: { facts: [{ label: x, value: 'v' }] } }),
  'value of a fact': (x) => story({ preview: { facts: [{ label: 'Job', value: x }] } }),
  'name of a change': (x) => story({ preview: { changes: [{ name: x, from: 'a', to: 'b' }] } }),
  'old value': (x) => story({ preview: { changes: [{ name: 'n', from: x, to: 'b' }] } }),
  'new value': (x) => story({ preview: { changes: [{ name: 'n', from: null, to: x }] } }),
  why: (x) => story({ preview: { why: x } }),
  'an argument': (x) => story({ arguments: { job_id: '101', parameters: { note: x } } }),
  'the name of an argument': (x) => story({ arguments: { [x]: '1' } }),
  'why it is asked again': (x) => story({ again: x }),
  'the reason of a denial': (x) => story({ later: [{ type: 'denied', call: 'c1', approval: 's1/1', by: 'U2', digest: DIGEST, reason: x }] }),
  'who denied': (x) => story({ later: [{ type: 'denied', call: 'c1', approval: 's1/1', by: x || 'x', digest: DIGEST }] }),
  'a message while it waits': (x) => story({ later: [told(x)] }),
  'a question': (x) => [...asksPerson(x, ['yes'])],
  'what differs from the last run': (x) => story({ preview: { last: { what: x, changes: [{ name: x, from: x, to: x }] } } }),
  'what the host adds': (x) => story({ preview: { adds: [x, x] } }),
  'an option': (x) => [...asksPerson('Which?', [x, 'other'])],
  'an outcome': (x) =>
    story({ later: [approved('c1'), started('c1'), { ...finished('c1'), outcome: { status: 'ok', text: x, data: { run_id: x, run_url: x } } }] }),
  'an error': (x) => story({ later: [approved('c1'), started('c1'), { ...finished('c1'), outcome: { status: 'failed', text: x } }] }),
  'a wait': (x) =>
    story({ later: [{ type: 'call_parked', call: 'c2', waiting: { for: 'retry', at: '2026-11-01T10:00:00.000Z', why: x, upstream: x || 'x', attempt: 1 } }] }),
  'a note': (x) => story({ later: [{ type: 'noted', about: 'attention', text: x }] }),
  'a comparison': (x) => compared(x),
  'the end': (x) => story({ later: [{ type: 'ended', outcome: 'failed', text: x }] }),
};

type Told = {
  opened?: EventOf<'opened'>;
  words?: string;
  tool?: string;
  preview?: object;
  arguments?: Record<string, unknown>;
  again?: string;
  later?: SessionEvent[];
};

function story({
  opened: first = opened(),
  words = 'Well.',
  tool = 'run_databricks_job',
  preview = {},
  arguments: args,
  again,
  later = [],
}: Told): SessionEvent[] {
  const card = asks('c1');
  if (card.waiting.for !== 'approval') throw new Error('the card asks');
  const waiting = { ...card.waiting, preview: { ...card.waiting.preview, ...preview }, arguments: args ?? card.waiting.arguments, ...(again ? { again } : {}) };
  return [
    first,
    replied(
      1,
      [
        { id: 'c1', tool },
        { id: 'c2', tool: 'wait_for_job' },
      ],
      words,
    ),
    { ...card, waiting },
    ...later,
  ];
}

function asksPerson(question: string, options: string[]): SessionEvent[] {
  const input = { question: question || 'x', options: options.map((o) => o || 'x') };
  return [
    opened(),
    replied(1, [{ id: 'c1', tool: 'ask_person', input }]),
    { type: 'call_parked', call: 'c1', waiting: { for: 'answer', ...input, to: 'U1', free_text: true } },
  ];
}

function compared(x: string): SessionEvent[] {
  const side = { run_id: x, name: x, url: x };
  const primary = { metric: x, baseline: 0.7, candidate: 0.8, delta: 0.1, delta_pct: 14, verdict: 'improved', verdict_reason: x };
  const data = {
    baseline: side,
    candidate: side,
    primary,
    metrics: [{ key: x, baseline: x, candidate: x, delta: null, delta_pct: null, flag: x }],
    warnings: [x],
  };
  return [opened(), replied(1, [{ id: 'c1', tool: 'compare_runs' }]), { type: 'call_finished', call: 'c1', outcome: { status: 'ok', text: x, data } }];
}

const OURS: ReadonlySet<string> = new Set(LISTENERS.actions);
const KEYS = new Set(['text', 'title', 'label', 'name', 'caption', 'alt_text', 'description']);

let cards = 0;
afterAll(() => expect(cards).toBeGreaterThan(500));

describe.each(Object.keys(fields))('in the field: %s', (field) => {
  test.each(Object.keys(deceptions))('%s is only text', (deception) => {
    const session = sessionOf(fields[field]!(deceptions[deception]!));
    for (const slot of narrate(session, { approvers: permissions.approvers })) {
      if (!('blocks' in slot)) continue;
      cards += 1;
      expect({ slot: slot.name, wrong: wrongIn(slot) }).toEqual({ slot: slot.name, wrong: [] });
      if (slot.name.startsWith('card:')) expect(JSON.stringify(slot.blocks)).toContain(`digest ${DIGEST.slice(0, 12)}`);
    }
  });
});

function wrongIn(slot: Extract<Slot, { blocks: unknown }>): string[] {
  const wrong: string[] = [];
  const refused = refuseBlocks(slot.blocks);
  if (refused) wrong.push(`Slack would refuse it: ${JSON.stringify(refused)}`);
  const look = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) look(item);
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return;
    const e = value as Record<string, unknown>;
    if (['mrkdwn', 'markdown', 'broadcast', 'channel', 'emoji', 'date', 'color'].includes(String(e['type']))) wrong.push(`an element of type ${e['type']}`);
    if (e['type'] === 'user' && !['U1', 'U2'].includes(String(e['user_id']))) wrong.push(`a mention of ${e['user_id']}`);
    if (e['type'] === 'usergroup' && e['usergroup_id'] !== 'S1') wrong.push(`a mention of ${e['usergroup_id']}`);
    if (e['type'] === 'button' && !OURS.has(String(e['action_id']))) wrong.push(`a button ${e['action_id']}`);
    if (e['type'] === 'button' && !/^s1(\/[\w.-]+)*$/.test(String(e['value']))) wrong.push(`a button's value ${e['value']}`);
    if (e['emoji'] === true) wrong.push('text that makes emoji');
    for (const [key, text] of Object.entries(e)) if (KEYS.has(key) && typeof text === 'string') wrong.push(...wrongText(text));
    for (const item of Object.values(e)) look(item);
  };
  look(slot.blocks);
  wrong.push(...wrongText(slot.text));
  return wrong;
}

/** Neither a raw bracket nor anything invisible; and what one reads is what was meant. */
function wrongText(text: string): string[] {
  const wrong: string[] = [];
  if (/[<>]|&(?!amp;|lt;|gt;)/.test(text)) wrong.push(`raw signs in ${JSON.stringify(text.slice(0, 80))}`);
  if (visible(unescaped(text)) !== unescaped(text)) wrong.push(`invisible signs in ${JSON.stringify(text.slice(0, 80))}`);
  return wrong;
}

describe('in a pull request', () => {
  test.each(Object.entries(deceptions))('%s notifies nobody and hides nothing', (_, x) => {
    const note = { session: 's1', alias: 'e-test', requester: 'U1', approvedBy: ['U2'], recordPath: 'experiments/x', line: 3, head: DIGEST };
    const body = pullRequestBody(safeMarkdown(x), note);
    for (const text of [body, safeTitle(x)]) expect(visible(text)).toBe(text);
    // Ours are the rule, the lines under it and one comment that marks it.
    expect(body.split('<!--').length).toBe(2);
    expect(body.replace(/<!-- labmate session:s1 -->/, '')).not.toMatch(/<[A-Za-z/!?]|(^|[^\p{L}\p{N}_`])@[\p{L}\p{N}_]|!\[/u);
    expect(body.match(/^record so far: line 3, head a{64}$/gm)).toHaveLength(1);
  });
});
