import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Answer } from '../../src/sandbox/claude/messages-types.ts';
import { scriptedModel } from '../../src/sandbox/claude/scripted.ts';
import { SEED, seedScript } from './seed.ts';
import { openStage, type StoryStage } from './stage.ts';

describe('in direct messages, and when somebody stops it', () => {
  const { script } = seedScript({ when: 'base_config.json' });
  const model = scriptedModel(script, { steps: [{ say: 'Never said.' }] });
  const streams: string[] = [];
  /** After the first approval it thinks until Slack has been asked for a stream: only what goes on is streamed. */
  const answer: Answer = async (request) => {
    const reply = await model.answer(request);
    const turns = request.messages.filter((m) => m.role === 'assistant').length;
    for (let i = 0; turns === 1 && streams.length === 0 && i < 400; i++) await sleep(50);
    return reply;
  };
  let stage: StoryStage;
  beforeAll(async () => {
    stage = await openStage({ mode: 'socket', scripts: [], answer });
    stage.slack.onTraffic(({ what }) => {
      if (what.includes('chat.startStream')) streams.push(what);
    });
  });
  afterAll(async () => stage?.close());
  beforeEach(async () => {
    stage.standIns.fault(null);
    await stage.begin();
  });

  test('the seed experiment runs from the first word to the record; only the approvals leave the conversation', async () => {
    const states: string[] = [];
    stage.slack.onTraffic(({ what, body }) => {
      const status = what.includes('agents.sessions.setStatus') ? (body as { status?: string } | null)?.status : undefined;
      if (status && status !== states.at(-1)) states.push(status);
    });
    const { ts = '' } = await stage.act({ as: 'U1', do: 'say', text: SEED, channel: 'D1' });
    for (const what of ['Run job 101', 'Open a pull request']) {
      const before = await stage.session();
      const card = await stage.until(`the card to ${what}`, () =>
        stage.messages().findLast((m) => m.channel === 'C0ML' && stage.button(m, 'approve_call') && JSON.stringify(m.blocks).includes(what)),
      );
      await stage.act({ as: 'U2', do: 'say', text: 'looks fine to me', channel: 'C0ML', thread: card.ts });
      await stage.until('what the approver said under the card', async () =>
        (await stage.session())?.told.some((t) => t.by === 'U2' && t.seq > (before?.seq ?? 0)),
      );
      await stage.click('U2', card, 'approve_call');
    }
    const session = await stage.ended();
    expect(session.opened).toMatchObject({ channel: 'D1', thread: ts, door: 'direct' });
    const head = session.head;
    const final = await stage.until('the final message', () => stage.messages().find((m) => m.channel === 'D1' && m.text.includes(head)));
    expect(final.threadTs).toBe(ts);
    await stage.until('the end of the conversation', () => stage.slack.world.data.statuses.find((s) => s.threadTs === ts)?.status === 'closed');
    expect(states[0]).toBe('processing');
    expect(states).toContain('suspended');
    expect(streams).not.toEqual([]);
    const plans = stage.messages().filter((m) => m.channel === 'D1' && JSON.stringify(m.blocks).includes('"type":"plan"'));
    expect(plans).toMatchObject([{ streaming: false }]);
    // The two cards; the conversation itself is nobody else's.
    expect(stage.messages().filter((m) => m.channel === 'C0ML' && m.bot && m.onlyFor === null)).toHaveLength(2);
  });

  /** Ms from the stop to the end of the session, by Redis' clock. */
  async function took(): Promise<number> {
    const session = await stage.ended(10);
    const log = await stage.log.read(session.id);
    const stop = log.find(({ event }) => event.type === 'told' && event.kind === 'stop');
    expect(session.ended?.outcome).toBe('stopped');
    expect(session.replies).toEqual([]);
    return (log.at(-1)?.m ?? Number.POSITIVE_INFINITY) - (stop?.m ?? 0);
  }

  test('a stop in the first second ends it within two, though the model is being asked', async () => {
    stage.standIns.fault({ target: 'claude', kind: 'hang' });
    const { response = '' } = await stage.command('Run something that hangs');
    await stage.command(`stop ${response.match(/e-\w+/)?.[0]}`);
    expect(await took()).toBeLessThan(2_000);
  });

  test('the button on the plan does, and an outsider is told who can', async () => {
    stage.standIns.fault({ target: 'claude', kind: 'hang' });
    await stage.command('Run something that hangs');
    const plan = await stage.card('stop_session');
    await stage.click('U4', plan, 'stop_session');
    await stage.until('a word to the outsider', () => stage.whispers('U4').find((w) => w.includes('or an approver can')));
    await stage.click('U2', plan, 'stop_session');
    expect(await took()).toBeLessThan(2_000);
  });

  test("Slack's own button does", async () => {
    stage.standIns.fault({ target: 'claude', kind: 'hang' });
    const { ts = '' } = await stage.act({ as: 'U1', do: 'say', text: 'Run something that hangs', channel: 'D1' });
    const state = () => stage.slack.world.data.statuses.find((s) => s.threadTs === ts)?.status;
    await stage.until('Slack to show that it is at work', () => state() === 'processing');
    await stage.act({ as: 'U1', do: 'stop', channel: 'D1', thread: ts });
    expect(await took()).toBeLessThan(2_000);
    await stage.until('Slack to show that it is over', () => state() === 'closed');
  });
});
