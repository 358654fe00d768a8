import { setTimeout as sleep } from 'node:timers/promises';
import { readConversation } from '../../src/sandbox/claude/conversation.ts';
import type { Answer } from '../../src/sandbox/claude/messages-types.ts';
import type { SessionLook } from '../../src/sandbox/control-types.ts';
import { interactiveElements } from '../../src/sandbox/slack/messages.ts';
import { aProduct } from './a-product.ts';

export type Once = { kind: string; arrived: number; effects: number };

/** Each session asks for one job, so that there is a card to click. */
const answer: Answer = (request) => {
  const { prompt } = readConversation(request);
  const asked = JSON.stringify(request.messages).includes('"tool_use"');
  if (asked || !prompt.includes('train')) return { content: [{ type: 'text', text: 'Done.' }] };
  return { content: [{ type: 'tool_use', id: 'call_1', name: 'run_databricks_job', input: { job_id: '101', parameters: { feature_set: 'v2' } } }] };
};

/** Every kind of delivery arrives once and then four times more; counts what came of it in the logs and at the services. */
export async function redelivered(redisUrl: string, mode: 'socket' | 'http'): Promise<Once[]> {
  const product = await aProduct({ redisUrl, mode, role: 'all', answer });
  const { slack, behind, standIns } = product;
  const channel = 'C0ML';
  const counted: Once[] = [];

  const until = async <T>(what: string, look: () => Promise<T | null | undefined | false> | T | null | undefined | false): Promise<T> => {
    for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) {
      const found = await look();
      if (found) return found;
    }
    throw new Error(`waited 30 s for ${what}`);
  };
  const events = async (session: string, type: string, has = '') =>
    ((await behind.record(session))?.lines ?? []).filter((line) => line.includes(`"type":"${type}"`) && line.includes(has)).length;
  const newest = async () => (await behind.sessions())[0];
  const card = (action: string) =>
    until(`a card with ${action}`, () =>
      slack.world.data.messages.findLast((m) => interactiveElements(m.blocks).some(({ element }) => element['action_id'] === action)),
    );
  /** Lets `act` happen with four copies of its deliveries, and counts what `effects` says once all have arrived. */
  const four = async (kind: string, copies: number, act: () => Promise<unknown>, effects: () => Promise<number> | number) => {
    const before = product.deliveries().length;
    const had = await effects();
    slack.fault({ target: 'slack', kind: 'redeliver', times: copies, copies: 4 });
    await act();
    await until(`the copies of ${kind}`, () => product.deliveries().length >= before + 5 * copies);
    await sleep(800);
    counted.push({ kind, arrived: product.deliveries().length - before, effects: (await effects()) - had });
  };
  const sessions = async () => (await behind.sessions()).length;
  const rooted = (session: SessionLook | undefined) => session?.thread ?? null;

  try {
    await four('a command', 1, () => slack.act({ as: 'U1', do: 'command', command: '/experiment', text: 'train it', channel }), sessions);
    const first = await newest();
    let message = await card('approve_call');
    await four(
      'a click that approves',
      1,
      () => slack.act({ as: 'U2', do: 'click', channel, ts: message.ts, actionId: 'approve_call' }),
      () => events(first?.id ?? '', 'approved'),
    );
    await until('the run', () => standIns.training.launches().length > 0);
    counted.push({ kind: 'the run it lets go', arrived: 5, effects: standIns.training.launches().length });
    await until('the end', async () => (await newest())?.ended);

    // A mention is two deliveries of one post: as message and as app_mention.
    await four('a mention', 2, () => slack.act({ as: 'U1', do: 'say', text: '@labmate train this', channel }), sessions);
    const second = await newest();
    message = await until('its card', async () => {
      const found = await card('deny_call');
      return found.threadTs === rooted(second) && found;
    });
    await four(
      'a reply in the thread',
      1,
      () => slack.act({ as: 'U1', do: 'say', text: 'with care', channel, thread: rooted(second) ?? '' }),
      () => events(second?.id ?? '', 'told', 'with care'),
    );
    await slack.act({ as: 'U2', do: 'click', channel, ts: message.ts, actionId: 'deny_call' });
    const modal = await until('the form', () => slack.world.data.modals.find((m) => m.user === 'U2'));
    const values = { reason: { reason: { value: 'not now' } } };
    await four(
      'a submitted form',
      1,
      () => slack.act({ as: 'U2', do: 'submit', modal: modal.id, values }),
      () => events(second?.id ?? '', 'denied'),
    );
    await until('the end', async () => (await newest())?.ended);

    const post = await slack.act({ as: 'U1', do: 'say', text: 'look at the learning rate', channel });
    await sleep(300);
    await four('a shortcut', 1, () => slack.act({ as: 'U1', do: 'shortcut', callbackId: 'run_as_experiment', channel, ts: post.ts }), sessions);
    return counted;
  } finally {
    await product.close();
  }
}
