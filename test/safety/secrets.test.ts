import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeBreakers } from '../../src/agent/breaker.ts';
import type { ModelAnswer } from '../../src/agent/model.ts';
import { think } from '../../src/agent/think.ts';
import { masked, REMOVED, scrubber, scrubDeep } from '../../src/policy/secrets.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { next } from '../../src/session/next.ts';
import { narrate } from '../../src/slack/narrate.ts';
import { LIMITS, opened, START, sessionOf, told } from '../session/logs.ts';
import { permissions } from '../slack/a-desk.ts';

const SECRET = 'ghp_R4nd0mLookingT0ken/+"x';

describe('a known secret', () => {
  test('is found in base64 whatever stands before and after it', () => {
    const scrub = scrubber([SECRET]);
    fc.assert(
      fc.property(
        fc.string({ maxLength: 9 }),
        fc.string({ maxLength: 9 }),
        fc.constantFrom('base64' as const, 'base64url' as const),
        (before, after, encoding) => {
          const hidden = Buffer.from(`${before}${SECRET}${after}`).toString(encoding);
          const clean = scrub(`Basic ${hidden}`);
          expect(clean).toContain(REMOVED);
          expect(Buffer.from(clean.slice(6).replace(REMOVED, ''), encoding).toString()).not.toContain('R4nd0mLook');
        },
      ),
    );
  });

  test.each([
    ['hex in capitals', Buffer.from(SECRET).toString('hex').toUpperCase()],
    ['percent signs for every byte', [...Buffer.from(SECRET)].map((b) => `%${b.toString(16)}`).join('')],
    ['a form', encodeURIComponent(SECRET).toLowerCase().replace('ghp_r4nd0mlookingt0ken', 'ghp_R4nd0mLookingT0ken')],
    ['JSON', JSON.stringify({ token: SECRET })],
  ])('is found as %s', (_, text) => {
    expect(scrubber([SECRET])(text)).toContain(REMOVED);
  });

  test('the model’s thinking stays as it came, everything around it does not', () => {
    const thinking = { type: 'thinking', thinking: 'hm', signature: 'AKIAABCDEFGHIJKLMNOP' };
    expect(scrubDeep([thinking, { type: 'text', text: 'AKIAABCDEFGHIJKLMNOP' }], masked)).toEqual([thinking, { type: 'text', text: REMOVED }]);
  });
});

describe('the second net', () => {
  test.each([
    `sk-ant-api03-${'a'.repeat(40)}`,
    'xoxb-123456789012-abcdefghijkl',
    'xapp-1-A0000-123456789012-abcdef',
    `ghp_${'A'.repeat(36)}`,
    `github_pat_${'A1_'.repeat(20)}`,
    `dapi${'0a'.repeat(16)}`,
    'AKIAABCDEFGHIJKLMNOP',
    `glsa_${'a'.repeat(32)}_0123abcd`,
    `eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(20)}.${'c'.repeat(20)}`,
    '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----',
  ])('masks %s', (token) => {
    expect(masked(`before ${token}, after`)).toBe(`before ${REMOVED}, after`);
  });

  test.each(['task-ant-colony-optimisation-run', 'sk-ant-short', 'dapi', 'a run named ghp_x', '0123456789abcdef'.repeat(4), 'ads-rank-v3/val_f1'])(
    'leaves %s alone',
    (text) => {
      expect(masked(text)).toBe(text);
    },
  );
});

describe('a reply of the model that holds a known secret', () => {
  const answer: ModelAnswer = {
    kind: 'reply',
    content: [
      { type: 'text', text: 'I will send it.' },
      { type: 'tool_use', id: 'c1', name: 'post_to_slack', input: { text: Buffer.from(`x${SECRET}`).toString('base64') } },
    ],
    stop: 'tool_use',
    usage: { input: 1, output: 1, cache_read: 0, cache_write: 0 },
    requestId: null,
    model: 'm',
  };
  const ask = (events: SessionEvent[]) =>
    think(
      sessionOf(events),
      { signal: new AbortController().signal, now: () => START, sleep: () => {} },
      {
        model: async () => answer,
        system: '',
        tools: [],
        image: async () => null,
        breakers: makeBreakers(),
        random: () => 0,
        scrub: scrubber([SECRET]),
      },
    );

  test('is neither stored nor acted on; the model is asked once more, then a person has to look', async () => {
    const first = await ask([opened()]);
    expect(first).toMatchObject([{ type: 'noted', about: 'secret' }]);
    expect(JSON.stringify(first)).not.toContain('post_to_slack');
    expect(next(sessionOf([opened(), ...first]), START, LIMITS)).toEqual({ do: 'think' });
    const second = await ask([opened(), ...first]);
    expect(second).toMatchObject([{ type: 'noted', about: 'attention' }]);
    expect(next(sessionOf([opened(), ...first, ...second]), START, LIMITS)).toEqual({ do: 'park', until: null });
  });
});

describe('a person who pastes a secret', () => {
  const slots = (events: SessionEvent[]) => narrate(sessionOf(events), { approvers: permissions.approvers }).filter((s) => s.name.startsWith('secret:'));

  test('is told in the thread to rotate it, once for each message that held one', () => {
    expect(slots([opened('Run it'), told('thanks')])).toEqual([]);
    const shown = slots([opened(`Run it with ${REMOVED}`), told(`and ${REMOVED}`, 'message', 'other', 'U4')]);
    expect(shown.map((s) => s.name)).toEqual(['secret:1', 'secret:2']);
    expect(JSON.stringify(shown[1])).toMatch(/"user_id":"U4".*rotate/i);
  });

  test.each<[string, SessionEvent[], RegExp]>([
    [
      "a command's words are in no message",
      [opened(REMOVED)],
      /These words held a credential\..* No message shows it, but it went through Slack: please rotate/,
    ],
    ["so are a form's", [{ ...opened(REMOVED), door: 'form' }], /No message shows it/],
    ['so is what was written into the dialog of a card', [opened(), { ...told(REMOVED, 'change'), ts: null }], /No message shows it/],
    ['a mention is a message', [{ ...opened(REMOVED), door: 'mention' }], /Your message .* still stands in Slack: please delete the message/],
    ['and so is a reply', [opened(), { ...told(REMOVED), ts: '1.2' }], /Your message .* still stands in Slack/],
    ['one that was run as an experiment may be of somebody else', [{ ...opened(REMOVED), door: 'shortcut' }], /That message .* or have it deleted/],
  ])('%s', (_, events, words) => {
    const [shown] = slots(events);
    expect(JSON.stringify(shown)).toMatch(words);
  });
});
