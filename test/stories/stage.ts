import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { inject } from 'vitest';
import { openLog } from '../../src/runtime/event-log.ts';
import { makeKeys } from '../../src/runtime/keys.ts';
import { openBlobs } from '../../src/runtime/payloads.ts';
import { makeReading } from '../../src/runtime/read-sessions.ts';
import { connect, PATIENT } from '../../src/runtime/redis.ts';
import { type MessagesApi, startMessagesApi } from '../../src/sandbox/claude/messages-api.ts';
import type { Answer } from '../../src/sandbox/claude/messages-types.ts';
import { type Script, scriptedModel } from '../../src/sandbox/claude/scripted.ts';
import type { Act, SandboxMessage } from '../../src/sandbox/control-types.ts';
import { wordsOf } from '../../src/sandbox/print-thread.ts';
import { startProduct } from '../../src/sandbox/product.ts';
import { freePort } from '../../src/sandbox/redis.ts';
import { sandboxConfig } from '../../src/sandbox/sandbox-config.ts';
import type { SlackStandIn } from '../../src/sandbox/slack/slack-stand-in.ts';
import { startStandIns } from '../../src/sandbox/stand-ins.ts';
import type { Session } from '../../src/session/state.ts';

/**
 * The real product (gateway and worker as processes of their own, real Bolt, BullMQ, Redis and MCP) between stand-ins that speak the services' protocols,
 * with a model that plays exact steps. Stories act as people do and look at what people see, at the services, and at the record.
 */
export async function openStage(options: {
  mode: 'socket' | 'http';
  scripts: Script[];
  trainingSeconds?: number;
  config?: Record<string, unknown>;
  /** A model of the story's own, instead of the scripts. */
  answer?: Answer;
  /** Another Redis than the tests' own, by any of the forms of REDIS_URL. */
  redisUrl?: string;
  /** Puts something between the product and the stand-ins: is given the variables that point at these, and answers the ones the product gets. */
  between?: (variables: Record<string, string>, slack: SlackStandIn) => Promise<Record<string, string>>;
}) {
  const dir = await mkdtemp(join(tmpdir(), 'labmate-story-'));
  const redisUrl = options.redisUrl ?? inject('redisUrl');
  const prefix = `story-${randomUUID().slice(0, 8)}`;
  const model = scriptedModel(...options.scripts);
  const gatewayPort = await freePort();
  let claude: MessagesApi | undefined;
  const standIns = await startStandIns({
    mode: options.mode,
    eventsUrl: `http://127.0.0.1:${gatewayPort}/slack/events`,
    real: [],
    dir,
    trainingSeconds: options.trainingSeconds ?? 2,
    ports: {},
    onTraffic: () => {},
    startClaude: async (wish) => {
      claude = await startMessagesApi({ answer: options.answer ?? model.answer, ...wish });
      return claude as never;
    },
  });
  const { slack } = standIns;
  if (!slack || !claude) throw new Error('the stand-ins did not start');
  const configFile = join(dir, 'labmate.json');
  await writeFile(configFile, JSON.stringify({ ...sandboxConfig(), ...options.config }));
  const variables = {
    PATH: process.env['PATH'] ?? '',
    HOME: dir,
    ...(options.between ? await options.between(standIns.variables, slack) : standIns.variables),
    REDIS_URL: redisUrl,
    REDIS_PREFIX: prefix,
    LABMATE_CONFIG: configFile,
    PORT: String(gatewayPort),
  };
  const product = await startProduct({ variables, dir, say: () => {} });
  const redis = connect(redisUrl, PATIENT);
  if (options.redisUrl) redis.on('error', () => {});
  const keys = makeKeys(prefix);
  const log = openLog(redis, keys, openBlobs(redis, keys));
  const reading = makeReading(redis, keys, log);
  const turns = new Queue('turns', { connection: redis, prefix: keys.queue } as never);
  if (options.redisUrl) turns.on('error', () => {});

  const messages = (): SandboxMessage[] => slack.world.data.messages;
  const act = async (what: Act) => {
    const acted = await slack.act(what);
    if (!acted.ok) throw new Error(`${what.as} could not ${what.do}: ${acted.error}`);
    return acted;
  };

  /** What there is to see, for an error: the last messages, and what the processes warned of at the end. */
  async function picture(): Promise<string> {
    const said = messages().slice(-6);
    const logs = await Promise.all(
      ['gateway', 'worker'].map(async (role) => {
        const lines = (await readFile(join(dir, `${role}.log`), 'utf8').catch(() => '')).split('\n');
        const warned = lines.filter((line) => /"level":"?(warn|error|fatal|[456]0)/.test(line)).slice(-6);
        return [`The ${role} warned last:`, ...warned.map((line) => line.slice(0, 300))].join('\n');
      }),
    );
    return [`The channel shows:`, said.map((m) => `${m.user}: ${wordsOf(m)}`).join('\n---\n'), ...logs].join('\n');
  }

  /** Waits until `look` gives something, and says what it was waiting for when it does not. */
  async function until<T>(what: string, look: () => T | undefined | null | false | Promise<T | undefined | null | false>, seconds = 60): Promise<T> {
    const end = Date.now() + seconds * 1_000;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}. ${await picture()}`);
      await sleep(50);
    }
  }

  /** The newest message whose words fit, in any thread. */
  const shows = (words: RegExp | string, seconds?: number) =>
    until(
      `a message that says ${words}`,
      () =>
        messages().findLast(
          (m) => m.ts > from && m.bot && m.onlyFor === null && (typeof words === 'string' ? wordsOf(m).includes(words) : words.test(wordsOf(m))),
        ),
      seconds,
    );
  const button = (message: SandboxMessage, actionId: string) => JSON.stringify(message.blocks).includes(`"action_id":"${actionId}"`);
  /** Where the story that is told now begins, and the sessions of those before it. Two clocks say which message came first, and which session: they are not compared. */
  let from = '';
  let earlier = new Set<string>();
  /** The open card of this story: the newest message that has the button. */
  const card = (actionId = 'approve_call', seconds?: number) =>
    until(`a card with ${actionId}`, () => messages().findLast((m) => m.ts > from && button(m, actionId)), seconds);
  const click = (as: string, message: SandboxMessage, actionId: string) => act({ as, do: 'click', channel: message.channel, ts: message.ts, actionId });
  const session = async (): Promise<Session | null> => {
    const about = (await reading.list('T1')).find((a) => a.door !== 'mcp' && !earlier.has(a.session));
    return about ? reading.session(about.session) : null;
  };
  const ended = (seconds?: number) =>
    until(
      'the end of the session',
      async () => {
        const s = await session();
        return s?.ended ? s : null;
      },
      seconds,
    );

  return {
    ...{
      act,
      until,
      shows,
      card,
      button,
      click,
      session,
      ended,
      messages,
      slack,
      claude,
      standIns,
      product,
      reading,
      redis,
      keys,
      log,
      turns,
      model,
      dir,
      variables,
    },
    whispers: (to: string) =>
      messages()
        .filter((m) => m.onlyFor === to)
        .map(wordsOf),
    command: (text: string, as = 'U1', channel = 'C0ML') => act({ as, do: 'command', command: '/experiment', text, channel }),
    /** Later looks see only what comes from now on. */
    begin: async () => {
      from = messages().at(-1)?.ts ?? '';
      earlier = new Set((await reading.list('T1')).map((a) => a.session));
    },
    launches: () => standIns.training.launches(),
    async close() {
      await product.stop();
      await turns.close();
      redis.disconnect();
      await standIns.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export type StoryStage = Awaited<ReturnType<typeof openStage>>;
