import { afterEach, beforeEach, expect, test } from 'vitest';
import { slackLineChart } from '../../src/charts/slack-chart.ts';
import { type SlackStandIn, startSlackStandIn } from '../../src/sandbox/slack/slack-stand-in.ts';
import { slackService } from '../../src/services/slack.ts';
import type { Session } from '../../src/session/state.ts';
import { makePlaces } from '../../src/slack/look.ts';
import type { Slot } from '../../src/slack/narrate.ts';
import { makeShow } from '../../src/slack/reconcile.ts';
import { opened, sessionOf } from '../session/logs.ts';
import { appToken, botToken, inMemory, signingSecret, silent } from './a-desk.ts';

let workspace: SlackStandIn;
beforeEach(async () => {
  workspace = await startSlackStandIn({ mode: 'http', signingSecret, botToken, appToken });
});
afterEach(() => workspace.close());

const session = sessionOf([opened()]);
const go = async () => 0;
const texts = () => workspace.world.data.messages.map((m) => `${m.threadTs ? '  ' : ''}${m.text}`);
const say = (name: string, text: string, thread = true): Slot => ({ name, thread, text, blocks: [{ type: 'section', text: { type: 'plain_text', text } }] });

/** Shows whatever slots it is given. */
function aShow(log = silent) {
  let wanted: Slot[] = [];
  const slack = slackService({ token: botToken, apiUrl: workspace.url });
  const show = makeShow({ slack, narrate: () => wanted, blob: async () => new TextEncoder().encode('PNG'), log });
  return (slots: Slot[], ...rest: Parameters<typeof show> extends [Session, ...infer R] ? R : never) => {
    wanted = slots;
    return show(session, ...rest);
  };
}

test('what is missing is posted in order, what differs is edited, what stands is left alone', async () => {
  const show = aShow();
  const slots = inMemory();
  expect(await show([say('root', 'root', false), say('plan', 'one')], slots, go, 0)).toBeNull();
  expect(await show([say('root', 'root', false), say('plan', 'two'), say('final', 'end')], slots, go, 1)).toBeNull();
  expect(texts()).toEqual(['root', '  two', '  end']);
  let calls = 0;
  workspace.onTraffic(() => (calls += 1));
  expect(await show([say('root', 'root', false), say('plan', 'two'), say('final', 'end')], slots, go, 2)).toBeNull();
  expect(calls).toBe(0);
});

test('who stood still while another was at the thread puts nothing old back', async () => {
  const show = aShow();
  const slots = inMemory();
  const status = (is: 'processing' | 'closed'): Slot => ({ name: 'status', thread: true, status: is, title: 'It' });
  await show([say('root', 'root', false), say('plan', 'new'), status('closed')], slots, go, 0);
  const still = () => Promise.reject(new Error("another one's"));
  for (const old of [say('plan', 'old'), status('processing')])
    await expect(show([say('root', 'root', false), old], { ...slots, still }, go, 1)).rejects.toThrow("another one's");
  expect(texts()).toEqual(['root', '  new']);
  expect(workspace.world.data.statuses).toMatchObject([{ status: 'closed' }]);
});

test('threads that find no place stand in line: none comes back before those ahead of it, and who has posted or stays away leaves it', async () => {
  let now = 0;
  const place = makePlaces(() => now);
  const at = (ms: number, id: string, wait: number, opened = 1) => {
    now = ms;
    return place('C0ML', { limiter: async () => wait, session: { id, opened: { m: opened } } } as never);
  };
  expect([await at(0, 'a', 700), await at(0, 'b', 700), await at(0, 'c', 700)]).toEqual([700, 1_700, 2_700]);
  // Something happened in the last one: it looks again, and keeps its place.
  expect(await at(100, 'c', 600)).toBe(2_600);
  expect([await at(700, 'a', 0), await at(1_800, 'b', 900), await at(1_900, 'c', 800)]).toEqual([0, 900, 1_800]);
  // Another channel is another line.
  expect(await place('C0OTHER', { limiter: async () => 500, session } as never)).toBe(500);
  // The one ahead was drawn by another process and does not come back.
  expect(await at(9_000, 'c', 900)).toBe(900);
  for (let i = 0; i < 28; i++) await at(9_000, `many-${i}`, 900, 100 + i);
  expect(await at(9_000, 'the last', 900, 200)).toBe(29_900);
  // The line is full. Who is younger than all comes again; who is older than somebody stands in their place, and they come again.
  expect(await at(9_000, 'younger', 900, 300)).toBe(30_000);
  expect(await at(9_000, 'older', 900, 50)).toBe(29_900);
  expect(await at(9_000, 'the last', 900, 200)).toBe(30_000);
  expect(await at(9_000, 'many-27', 900, 127)).toBe(28_900);
});

test('held back by a limit, it says when to come again, and nothing overtakes', async () => {
  const show = aShow();
  const slots = inMemory();
  let posts = 0;
  const onePost = async (name: string) => (name.startsWith('post:') && ++posts > 1 ? 700 : 0);
  expect(await show([say('root', 'root', false), say('plan', 'one'), say('final', 'end')], slots, onePost, 0)).toEqual({ againInMs: 700 });
  expect(texts()).toEqual(['root']);
  expect(await show([say('root', 'root', false), say('plan', 'one'), say('final', 'end')], slots, go, 700)).toBeNull();
  expect(texts()).toEqual(['root', '  one', '  end']);
});

test('a decided card does not wait for a plan that changes all the time', async () => {
  const show = aShow();
  const slots = inMemory();
  const thread = (plan: string, card: string) => [say('root', 'root', false), say('plan', plan), say('card:2', card)];
  await show(thread('one', 'asks'), slots, go, 0);
  let edits = 0;
  const oneEdit = async (name: string) => (name.startsWith('edit:') && ++edits > 1 ? 900 : 0);
  expect(await show(thread('two', 'approved'), slots, oneEdit, 1_000)).toEqual({ againInMs: 900 });
  expect(texts()).toEqual(['root', '  one', '  approved']);
});

test('a post whose reply was lost is found again, not repeated', async () => {
  const show = aShow();
  const slots = inMemory();
  workspace.fault({ target: 'slack', kind: 'lost-reply', method: 'chat.postMessage', times: 1 });
  const wanted = [say('root', 'root', false), say('plan', 'one')];
  const first = await show(wanted, slots, go, 1_000);
  expect(first?.againInMs).toBeGreaterThan(0);
  expect(slots.now()['root']).toMatchObject({ ts: null, trying: 1_000 });
  expect(await show(wanted, slots, go, 2_000)).toEqual({ againInMs: 5_000 });
  expect(await show(wanted, slots, go, 7_500)).toBeNull();
  expect(texts()).toEqual(['root', '  one']);
});

test('it is found in a thread of more than a thousand messages, too', async () => {
  const show = aShow();
  const slots = inMemory();
  const now = Date.now();
  await show([say('root', 'root', false)], slots, go, now);
  const { messages } = workspace.world.data;
  const root = messages.find((m) => m.text === 'root')!;
  // What people said in it an hour ago.
  const said = (i: number) => ({
    ...root,
    metadata: null,
    threadTs: root.ts,
    ts: `${Math.floor(now / 1_000) - 3_600}.${String(i).padStart(6, '0')}`,
    text: 'x',
  });
  messages.push(...Array.from({ length: 1_100 }, (_, i) => said(i)));
  workspace.fault({ target: 'slack', kind: 'lost-reply', method: 'chat.postMessage', times: 1 });
  const wanted = [say('root', 'root', false), say('plan', 'one')];
  await show(wanted, slots, go, now);
  expect(await show(wanted, slots, go, now + 7_500)).toBeNull();
  expect(texts().filter((text) => text === '  one')).toHaveLength(1);
});

test('of two posts that both arrived the later is taken away', async () => {
  const show = aShow();
  const slack = slackService({ token: botToken, apiUrl: workspace.url });
  const mark = { session: session.id, slot: 'root' };
  const slots = inMemory({ root: { channel: 'C0ML', ts: null, hash: '', trying: 0 } });
  // Nothing is found, so it is posted again; then the first one lands after all.
  expect(await show([say('root', 'root', false)], slots, go, 10_000)).toEqual({ againInMs: 6_000 });
  await slack.post({ channel: 'C0ML', text: 'root', mark });
  expect(texts()).toHaveLength(2);
  expect(await show([say('root', 'root', false)], slots, go, 17_000)).toBeNull();
  expect(texts()).toEqual(['root']);
});

test('blocks that Slack refuses are sent plainer, with their buttons, and a line in the log', async () => {
  const warned: string[] = [];
  const show = aShow({ ...silent, warn: (_: object, text: string) => warned.push(text) });
  const button = { type: 'actions', elements: [{ type: 'button', action_id: 'approve_call', text: { type: 'plain_text', text: 'Approve' }, value: 's1/1' }] };
  const wanted: Slot[] = [{ name: 'root', thread: false, text: 'Approval needed', blocks: [{ type: 'unheard_of' }, button] }];
  expect(await show(wanted, inMemory(), go, 0)).toBeNull();
  expect(workspace.world.data.messages[0]?.blocks.map((b) => (b as { type: string }).type)).toEqual(['section', 'actions']);
  expect(warned).toEqual(['Slack refused the blocks of a message; it is sent plainer']);
});

test('a rate limit waits as long as Slack says; a channel that is gone is said and looked at again, more and more rarely', async () => {
  const errors: string[] = [];
  const show = aShow({ ...silent, error: (_: object, text: string) => errors.push(text) });
  const slots = inMemory();
  workspace.fault({ target: 'slack', kind: 'rate-limit', method: 'chat.postMessage', times: 1 });
  const again = await show([say('root', 'root', false)], slots, go, 0);
  expect(again?.againInMs).toBeGreaterThanOrEqual(1_000);
  expect(await show([say('root', 'root', false)], slots, go, 5_000)).toBeNull();
  expect(texts()).toEqual(['root']);

  const gone = sessionOf([{ ...opened(), channel: 'CGONE' }]);
  const lost = makeShow({
    slack: slackService({ token: botToken, apiUrl: workspace.url }),
    narrate: () => [say('root', 'r', false), say('plan', 'p')],
    blob: async () => new Uint8Array(),
    log: { ...silent, error: (_: object, text: string) => errors.push(text) },
  });
  const there = inMemory();
  expect(await lost(gone, there, go, 0)).toEqual({ againInMs: 20_000 });
  expect(await lost(gone, there, go, 1)).toEqual({ againInMs: 20_000 });
  expect(errors).toHaveLength(2);
  expect(errors[0]).toContain('/invite');
});

test('a picture is uploaded once, although the reply to it was lost', async () => {
  const show = aShow();
  const slots = inMemory();
  const picture: Slot = { name: 'image:c1:0', thread: true, file: { name: 'e-test-c1-0.png', title: 'A panel', alt: 'loss over time', sha256: 'x' } };
  await show([say('root', 'root', false)], slots, go, 0);
  workspace.fault({ target: 'slack', kind: 'lost-reply', method: 'files.completeUploadExternal', times: 1 });
  expect((await show([say('root', 'root', false), picture], slots, go, 0))?.againInMs).toBeGreaterThan(0);
  expect(await show([say('root', 'root', false), picture], slots, go, 10_000)).toBeNull();
  const files = workspace.world.data.messages.flatMap((m) => m.files);
  expect(files).toMatchObject([{ name: 'e-test-c1-0.png', alt: 'loss over time' }]);
});

test('a chart that Slack does not take is left out, once for all, and a picture stands in', async () => {
  const show = aShow();
  const slots = inMemory();
  const points = [0, 1, 2].map((x) => ({ x, y: x / 2 }));
  const chart = { title: 'val_f1', xLabel: 'step', yLabel: 'val_f1', series: [{ name: 'v2', points }] };
  /** A title that is too long makes the chart one that Slack refuses. */
  const verdict = (text: string, title = 'val_f1'): Slot => ({
    name: 'verdict:c1',
    thread: true,
    text,
    blocks: [{ type: 'section', text: { type: 'plain_text', text } }, { ...slackLineChart(chart), title } as never],
  });
  const picture: Slot = { name: 'picture:verdict:c1', thread: true, file: { name: 'v.png', title: 'val_f1', alt: 'curves', chart, instead: 'verdict:c1' } };
  const blocks = () => JSON.stringify(workspace.world.data.messages.find((m) => m.text.includes('verdict'))?.blocks);
  await show([say('root', 'root', false)], slots, go, 0);
  expect(await show([say('root', 'root', false), verdict('a verdict'), picture], slots, go, 1)).toBeNull();
  expect(blocks()).toContain('data_visualization');
  expect(workspace.world.data.messages.flatMap((m) => m.files)).toEqual([]);

  expect(await show([say('root', 'root', false), verdict('another verdict', 'x'.repeat(60)), picture], slots, go, 2)).toBeNull();
  expect(blocks()).not.toContain('data_visualization');
  expect(blocks()).toContain('another verdict');
  expect(workspace.world.data.messages.flatMap((m) => m.files)).toMatchObject([{ name: 'v.png', alt: 'curves' }]);

  expect(await show([say('root', 'root', false), verdict('the last verdict'), picture], slots, go, 3)).toBeNull();
  expect(blocks()).not.toContain('data_visualization');
});
