import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SessionEvent } from '../../src/session/events.ts';
import { underCard } from '../../src/slack/under-card.ts';
import { asks, denied, opened, replied, sessionOf, told } from '../session/logs.ts';
import { aDesk, until, whispersTo } from './a-desk.ts';

const run = { id: 'c1', tool: 'run_databricks_job' };

describe('over Slack', () => {
  let desk: Awaited<ReturnType<typeof aDesk>>;
  beforeEach(async () => {
    desk = await aDesk('http');
  });
  afterEach(() => desk.close());

  const say = async (text: string, as = 'U1', thread?: string) => (await desk.workspace.act({ as, do: 'say', text, channel: 'C0ML', thread })).ts ?? '';
  const whispers = (as = 'U1') => whispersTo(desk.workspace, as);
  const sessions = () => desk.log.reading.list('T1');
  /** Every post before was delivered, as both of its events, once this one is answered. */
  const allHeard = async () => {
    await say('@labmate approvals', 'U3');
    await until(() => whispers('U3').length > 0);
  };

  test('a mention is answered once, though Slack sends it as two events, and a command behind it opens nothing', async () => {
    await say('@labmate help');
    await say('@labmate');
    await say('@labmate status');
    await say('@labmate find “flamingo”');
    await say('@labmate train it', 'U5');
    await until(() => whispers().length >= 4 && whispers('U5').length > 0);
    await allHeard();
    expect(whispers().sort()).toEqual([
      expect.stringMatching(/^Describe an experiment in a sentence/),
      expect.stringMatching(/^Describe an experiment in a sentence/),
      'Nothing found for “flamingo”.',
      'Nothing is running or waiting.',
    ]);
    expect(whispers('U5')).toEqual([expect.stringContaining('Guests cannot')]);
    expect(await sessions()).toEqual([]);
    await say('@labmate Compare the last two runs of ads-rank-v3 by val_f1');
    await until(async () => (await sessions()).length === 1);
  });

  test('words while a card waits are answered once: an approver learns that they approve nothing, others what becomes of theirs', async () => {
    const thread = await say('@labmate Run job 101');
    const id = `T1-C0ML-${thread}`;
    await until(async () => (await sessions()).length === 1);
    const { log } = desk.log;
    const owner = desk.log.owner(id);
    const lease = await log.claim(owner, 5_000);
    if (!lease) throw new Error('no lease');
    for (const event of [replied(1, [run]), asks('c1', `${id}/1`, new Date(Date.now() + 3_600_000).toISOString())])
      expect((await log.commit(owner, lease.fence, await log.tip(id), [event], { is: '' })).is).toBe('OK');
    await log.park(owner, lease.fence, await log.tip(id), null);
    const says = async (text: string, as: string) => {
      const ts = await say(text, as, thread);
      await until(async () => (await desk.log.reading.session(id))?.told.some((t) => t.ts === ts));
    };
    await says('use dropout=0.2', 'U1');
    await says('use dropout=0.3 instead', 'U1');
    await says('and seed=9', 'U4');
    await says('yes go ahead', 'U2');
    await says('@labmate yes', 'U2');
    await says('hello?', 'U4');
    await until(() => [whispers('U1'), whispers('U2'), whispers('U4')].every((all) => all.length > 0));
    await allHeard();
    expect(whispers('U1')).toEqual([expect.stringMatching(/^Kept for e-/)]);
    expect(whispers('U2')).toEqual([expect.stringMatching(/^Words approve nothing: press Approve on the card\./)]);
    expect(whispers('U4')).toEqual([expect.stringMatching(/^Noted for e-.*Only <@U1>/)]);
    expect((await desk.log.reading.session(id))?.approvals.get(`${id}/1`)?.state).toBe('pending');
  });
});

describe('what is told of words under a card', () => {
  const asked = [opened(), replied(1, [run]), asks('c1')];
  const is = (as: Parameters<typeof underCard>[2], ...more: SessionEvent[]) => underCard(sessionOf([...asked, ...more]), 'U2', as);
  const mine = told('yes', 'message', 'approver', 'U2');
  const theirs = told('use v3');

  test.each<[string, string | null, RegExp | null]>([
    ['an approver is told at once', is('approver'), /Words approve nothing/],
    ['also after others wrote', is('approver', theirs), /Words approve nothing/],
    ['but once a card', is('approver', mine), null],
    ['and not where none waits', is('approver', denied('c1')), null],
    ['what the thread answers for all is not whispered', is('steering'), null],
    ['what comes after it is', is('steering', theirs), /Kept for e-test/],
    ['also of who wrote first', is('steering', mine), /Kept for e-test/],
    ['once', is('steering', mine, mine), null],
    ['and once for who came later', is('steering', theirs, mine), null],
    ['others learn that they steer nothing', is('other', theirs), /Noted for e-test/],
    ['once', is('other', told('hm', 'message', 'other', 'U2')), null],
  ])('%s', (_what, said, expected) => {
    if (expected === null) expect(said).toBeNull();
    else expect(said).toMatch(expected);
  });
});
