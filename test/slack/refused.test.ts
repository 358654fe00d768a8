import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SlackStandIn, startSlackStandIn } from '../../src/sandbox/slack/slack-stand-in.ts';
import { slackService } from '../../src/services/slack.ts';
import type { Slot } from '../../src/slack/narrate.ts';
import { makeShow } from '../../src/slack/reconcile.ts';
import { opened, START, sessionOf } from '../session/logs.ts';
import { appToken, botToken, inMemory, signingSecret, silent } from './a-desk.ts';
import { refusing } from './refusing.ts';

let workspace: SlackStandIn;
let slackNow: Awaited<ReturnType<typeof refusing>>;
/** What Slack says to a method for now. */
let words: Record<string, string>;
let asked: string[];
beforeEach(async () => {
  words = {};
  asked = [];
  workspace = await startSlackStandIn({ mode: 'http', signingSecret, botToken, appToken });
  slackNow = await refusing(
    () => workspace.url,
    (method) => {
      asked.push(method);
      return words[method];
    },
  );
});
afterEach(async () => {
  slackNow.close();
  await workspace.close();
});

const say = (name: string, text: string, more: Partial<Slot> = {}) => ({ name, thread: name !== 'root', text, blocks: [], ...more }) as Slot;
const texts = (channel = 'C0ML') => workspace.world.data.messages.filter((m) => m.channel === channel).map((m) => m.text);

const LATER = ['token_expired', 'ekm_access_denied', 'missing_scope', 'some_new_word'];
describe.each(LATER)('%s in a direct message', (word) => {
  const plan = (title: string, busy = true) => {
    const tasks = [{ id: 'c1', title, status: 'in_progress' as const }];
    const blocks = [{ type: 'plan', title, tasks: [{ type: 'task_card', task_id: 'c1', title, status: 'in_progress' }] }];
    return say('plan', title, { blocks, live: { title, tasks, busy } } as Partial<Slot>);
  };
  const plans = () => workspace.world.data.messages.filter((m) => m.threadTs !== null);
  const root = say('root', 'root');
  const direct = { ...opened(), channel: 'D1' };

  test('for the removal of a plan that another took the place of: it is taken away later', async () => {
    const thread = aThread(direct);
    await thread.at(START, root, plan('one'));
    words['chat.delete'] = word;
    expect(await thread.at(START + 4 * MINUTE, root, plan('two'))).toEqual({ againInMs: expect.toSatisfy((ms) => ms >= 20_000) });
    expect(plans()).toHaveLength(2);
    words = {};
    await thread.at(START + 6 * MINUTE, root, plan('three'));
    expect(plans()).toMatchObject([{ streaming: true }]);
    expect(JSON.stringify(plans())).toContain('three');
  });

  test('for a stream that is written to: it is one still, and goes on', async () => {
    const thread = aThread(direct);
    await thread.at(START, root, plan('one'));
    words['chat.appendStream'] = word;
    expect(await thread.at(START + 1_000, root, plan('two'))).toEqual({ againInMs: 20_000 });
    asked = [];
    words = {};
    await thread.at(START + MINUTE, root, plan('two'));
    expect(asked).toEqual(['chat.appendStream']);
    expect(JSON.stringify(plans())).toContain('two');
  });

  test('for the end of a stream: it is ended later, and the plan goes on at the latest when Slack has ended it', async () => {
    const thread = aThread(direct);
    await thread.at(START, root, plan('one'));
    words['chat.stopStream'] = word;
    expect(await thread.at(START + 1_000, root, plan('two', false))).toEqual({ againInMs: 20_000 });
    expect(plans()).toMatchObject([{ streaming: true }]);
    await thread.at(START + 6 * MINUTE, root, plan('two', false));
    expect(plans()).toMatchObject([{ text: 'two', metadata: { event_payload: { slot: 'plan' } } }]);
  });

  test('for the removal of a stream whose beginning was never answered: it is taken away later', async () => {
    const thread = aThread(direct);
    workspace.fault({ target: 'slack', kind: 'lost-reply', method: 'chat.startStream', times: 1 });
    await thread.at(START, root, plan('one'));
    words['chat.delete'] = word;
    await thread.at(START + 10_000, root, plan('two'));
    words = {};
    await thread.at(START + 5 * MINUTE, root, plan('two'));
    expect(plans()).toMatchObject([{ streaming: true }]);
  });
});

/** A thread that wants these slots, and what it shows. */
function aThread(first = opened()) {
  const slots = inMemory();
  let wanted: Slot[] = [];
  const slack = slackService({ token: botToken, apiUrl: slackNow.apiUrl });
  const show = makeShow({ slack, narrate: () => wanted, blob: async () => new Uint8Array(), log: silent });
  return {
    slots,
    at(now: number, ...given: Slot[]) {
      wanted = given;
      return show(sessionOf([first]), slots, async () => 0, now);
    },
  };
}

const MINUTE = 60_000;

test.each([
  ['rate_limited', 2_000],
  ...[
    'message_limit_exceeded',
    'org_login_required',
    'ekm_access_denied',
    'not_authed',
    'token_expired',
    'missing_scope',
    'access_denied',
    'some_new_word',
  ].map((word) => [word, 20_000] as const),
] as const)('%s: nothing is given up, and Slack is not pressed', async (word, againInMs) => {
  const thread = aThread();
  const wanted = [say('root', 'root'), say('plan', 'plan')];
  words['chat.postMessage'] = word;
  expect(await thread.at(START, ...wanted)).toEqual({ againInMs });
  expect(texts()).toEqual([]);
  words = {};
  expect(await thread.at(START + 5 * MINUTE, ...wanted)).toBeNull();
  expect(texts()).toEqual(['root', 'plan']);
});

test('one message that Slack does not take for a reason we do not know is tried ever more rarely, or when it says something else, and holds up no other', async () => {
  const thread = aThread();
  const root = say('root', 'root');
  await thread.at(START, root);
  words['chat.postMessage'] = 'some_new_word';
  await thread.at(START, root, say('plan', 'plan'));
  words = {};
  asked = [];
  // Whatever else is looked at meanwhile.
  expect(await thread.at(START + 5_000, root, say('plan', 'plan'), say('report', 'report'))).toEqual({ againInMs: 15_000 });
  expect([asked, texts()]).toEqual([['chat.postMessage'], ['root', 'report']]);
  expect(await thread.at(START + 20_000, root, say('plan', 'plan'), say('report', 'report'))).toBeNull();
  expect(texts()).toEqual(['root', 'report', 'plan']);

  words['chat.update'] = 'some_new_word';
  expect(await thread.at(START + 2 * 3_600_000, root, say('plan', 'two'))).toEqual({ againInMs: 1_800_000 });
  words = {};
  expect(await thread.at(START + 2 * 3_600_000, root, say('plan', 'three'))).toBeNull();
  expect(texts()).toContain('three');
});

test.each(['cant_update_message', 'edit_window_closed', 'message_not_found'])('%s is about the message: it is left as it is', async (word) => {
  const thread = aThread();
  await thread.at(START, say('root', 'one'));
  words['chat.update'] = word;
  expect(await thread.at(START, say('root', 'two'))).toBeNull();
  asked = [];
  expect(await thread.at(START + 3_600_000, say('root', 'two'))).toBeNull();
  expect(asked).toEqual([]);
});

test.each(['ratelimited', 'token_expired', 'some_new_word'])(
  '%s instead of a look whether a post arrived: it is looked again, and not posted twice',
  async (word) => {
    const thread = aThread();
    workspace.fault({ target: 'slack', kind: 'lost-reply', method: 'chat.postMessage', times: 1 });
    await thread.at(START, say('root', 'root'));
    words['conversations.history'] = word;
    await thread.at(START + 10_000, say('root', 'root'));
    words = {};
    expect(await thread.at(START + 5 * MINUTE, say('root', 'root'))).toBeNull();
    expect(texts()).toEqual(['root']);
  },
);

test('a card in the approvers’ channel is brought up to date when that channel is open again', async () => {
  const thread = aThread();
  const card = (text: string) => say('card:1', text, { channel: 'C0RANDOM', thread: false } as Partial<Slot>);
  await thread.at(START, say('root', 'root'), card('Approve this?'));
  const channel = workspace.world.data.channels.find((c) => c.id === 'C0RANDOM')!;
  Object.assign(channel, { archived: true });
  expect(await thread.at(START, say('root', 'root'), card('Approved by U2.'))).toEqual({ againInMs: 20_000 });
  Object.assign(channel, { archived: false });
  expect(await thread.at(START + MINUTE, say('root', 'root'), card('Approved by U2.'))).toBeNull();
  expect(texts('C0RANDOM')).toEqual(['Approved by U2.']);
});
