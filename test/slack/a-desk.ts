import { setTimeout as sleep } from 'node:timers/promises';
import type { Permissions } from '../../src/policy/rules.ts';
import { makeForget } from '../../src/runtime/forget-shown.ts';
import type { ShownSlot, Slots } from '../../src/runtime/reading.ts';
import { freePort } from '../../src/sandbox/redis.ts';
import { type SlackStandIn, type SlackOptions as StandInOptions, startSlackStandIn } from '../../src/sandbox/slack/slack-stand-in.ts';
import { slackService } from '../../src/services/slack.ts';
import { type SlackOptions, startSlack } from '../../src/slack/app.ts';
import type { Log } from '../../src/slack/log.ts';
import { narrate } from '../../src/slack/narrate.ts';
import { makeShow } from '../../src/slack/reconcile.ts';
import { aLog } from '../runtime/a-log.ts';

export const signingSecret = 'a-secret-for-signing';
export const botToken = 'xoxb-sandbox';
export const appToken = 'xapp-1-sandbox';

export const permissions: Permissions = {
  approvers: { default: { users: [], groups: ['S1'], quorum: 1, requesterMayApprove: false, expiresAfterMs: 86_400_000, channel: null } },
  executionExpiresAfterMs: 900_000,
  environments: {},
  actIn: ['dev'],
  allow: { experiments: ['*'], dashboards: ['*'], channels: ['C0ML'], branches: ['*'], paths: ['*'] },
  repositories: [],
  policy: { default: 'ask', rules: [] },
};

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** The real door over real Bolt, a workspace to knock from, and a real log on Redis behind it. */
export async function aDesk(mode: 'socket' | 'http', more: { door?: Partial<SlackOptions>; standIn?: Partial<StandInOptions> } = {}) {
  const port = await freePort();
  const workspace = await startSlackStandIn({
    mode,
    signingSecret,
    botToken,
    appToken,
    eventsUrl: `http://127.0.0.1:${port}/slack/events`,
    times: { ackMs: 3_000, retryAfterMs: [0, 50, 50] },
    ...more.standIn,
  });
  const log = aLog();
  const slack = slackService({ token: botToken, apiUrl: workspace.url });
  const door = await startSlack({
    botToken,
    ...(mode === 'socket' ? { appToken } : { signingSecret }),
    apiUrl: workspace.url,
    port,
    deliver: log.deliver,
    reading: log.reading,
    permissions,
    slack,
    channels: ['C0ML'],
    usual: {
      job: '101',
      experiment: 'ads-rank-v3',
      metrics: ['val_f1', 'val_loss'],
      jobs: async () => [{ id: '101', name: 'ads-train (101)', parameters: ['feature_set', 'seed'] }],
    },
    budgets: { perUser: 10, perTeam: 200, turns: 40, toolCalls: 120, outputTokens: 60_000 },
    gone: makeForget(log.redis, log.keys),
    log: silent,
    ...more.door,
  });
  const show = makeShow({
    slack,
    narrate: (s, _progress, now, links) => narrate(s, { approvers: permissions.approvers, channels: ['C0ML'], now, links }),
    blob: async () => new Uint8Array([1]),
    log: silent,
  });
  const slots = inMemory();
  return {
    port,
    workspace,
    log,
    slack,
    door,
    slots,
    /** Brings the thread of a session up to date, without the limiter's patience. */
    async tell(id: string) {
      const session = await log.reading.session(id);
      if (!session) throw new Error(`no session ${id}`);
      const again = await show(session, slots, async () => 0, Date.now());
      const root = slots.now()['root'];
      // What the runtime does when a root's ts is known.
      if (root?.ts && session.opened.thread === null) await log.redis.set(log.keys.thread('T1', root.channel, root.ts), id);
      return again;
    },
    async close() {
      await door.stop();
      await workspace.close();
      await log.close();
    },
  };
}

export function inMemory(first: Record<string, ShownSlot> = {}): Slots & { now(): Record<string, ShownSlot> } {
  const all = structuredClone(first);
  return {
    all: async () => structuredClone(all),
    still: async () => {},
    set: async (slot, shown) => {
      all[slot] = shown;
    },
    drop: async (slot) => {
      delete all[slot];
    },
    now: () => all,
  };
}

export async function until<T>(look: () => T | null | undefined | false | Promise<T | null | undefined | false>, ms = 6_000): Promise<T> {
  const end = Date.now() + ms;
  while (Date.now() < end) {
    const found = await look();
    if (found) return found;
    await sleep(15);
  }
  throw new Error(`it did not happen within ${ms} ms`);
}

/** The words that a person sees for themselves alone, newest last. */
export function whispersTo(workspace: SlackStandIn, user: string): string[] {
  return workspace.world.data.messages.filter((m) => m.onlyFor === user).map((m) => m.text);
}
