import { App, type Logger, LogLevel, type Receiver } from '@slack/bolt';
import type { Permissions } from '../policy/rules.ts';
import type { Deliver } from '../runtime/commands.ts';
import { makePeople, type People } from '../runtime/people.ts';
import type { Reading } from '../runtime/reading.ts';
import type { SlackService } from '../services/slack.ts';
import { within } from '../within.ts';
import type { Acked } from './counted.ts';
import type { Desk, Editing, Runs, Usual } from './desk.ts';
import { httpReceiver, type Other } from './http-receiver.ts';
import { listen } from './listen.ts';
import type { Log } from './log.ts';
import { type SocketOptions, StoreThenAckReceiver } from './socket-receiver.ts';

export type SlackOptions = {
  botToken: string;
  /** Socket Mode, where it is given; else HTTP with the signing secret. */
  appToken?: string | undefined;
  signingSecret?: string | undefined;
  apiUrl?: string | undefined;
  /** For Socket Mode: the way through a proxy. */
  dispatcher?: SocketOptions['dispatcher'];
  /** For HTTP. 0: any free one; `port()` says which. */
  port: number;
  deliver: Deliver;
  reading: Reading;
  permissions: Permissions;
  slack: SlackService;
  runs?: Runs | undefined;
  editing?: Editing | undefined;
  usual?: Usual | undefined;
  budgets?: Desk['budgets'];
  gone?: Desk['gone'];
  channels: readonly string[];
  log: Log;
  /** Is told who waits for an acknowledgement, from a delivery's arrival until it is handled. */
  people?: People | undefined;
  /** Is told how long a delivery waited for its acknowledgement; false: it was left to Slack to send again. */
  acked?: Acked | undefined;
  /** Takes requests on the HTTP port that are not Slack's. */
  other?: Other | undefined;
  /** Ms until an unreachable Slack is given up at start. */
  startWithinMs?: number | undefined;
};

export type RunningSlack = {
  team: string;
  stop(): Promise<void>;
  ready(): { ok: boolean; why?: string };
  port(): number;
};

const REVOKED = 'Slack has taken SLACK_BOT_TOKEN back: install the app again, set the new token and start labmate anew; every session waits until then';

/** Listens to Slack. Everything is stored before Slack is told so. Throws one clear sentence where Slack cannot be reached or refuses the token. */
export async function startSlack(options: SlackOptions): Promise<RunningSlack> {
  const { log, port, appToken, signingSecret, people = makePeople(), acked = () => {}, startWithinMs = 15_000 } = options;
  const logger = quiet(log);
  const until = Date.now() + startWithinMs;
  const self = await whoWeAre(options, until);
  const working = new Set<Promise<unknown>>();
  let revoked = false;
  const desk: Desk = {
    ...options,
    self,
    revoked() {
      revoked = true;
      log.error({ team: self.team }, REVOKED);
    },
    later(work) {
      const done = work()
        .catch((error: unknown) => log.warn({ why: String(error) }, 'a private answer could not be given'))
        .finally(() => working.delete(done));
      working.add(done);
    },
  };

  const socket = appToken
    ? new StoreThenAckReceiver({ appToken, apiUrl: options.apiUrl, logger, log, connections: 2, dispatcher: options.dispatcher, people, acked })
    : null;
  if (!socket && !signingSecret) throw new Error('Set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP.');
  const receiver = socket ?? httpReceiver({ signingSecret: signingSecret ?? '', port, logger, other: options.other, people, acked });
  const app = boltApp(receiver, options, self, logger);
  listen(app, desk);

  const server = await within(Math.max(1_000, until - Date.now()), receiver.start(port), () => {
    throw new Error(`Slack did not open a Socket Mode connection within ${startWithinMs / 1000} s. Check SLACK_APP_TOKEN.`);
  }).catch(async (error: NodeJS.ErrnoException) => {
    // What could not be opened in time must not be opened later, beside what takes its place.
    await Promise.resolve(receiver.stop()).catch(() => {});
    if (error.syscall === 'listen') throw new Error(`PORT ${port} cannot be opened (${error.code}): choose another with PORT.`, { cause: error });
    throw error;
  });
  log.info({ mode: socket ? 'socket' : 'http', user: self.user, team: self.team }, 'listening to Slack');
  return {
    team: self.team,
    async stop() {
      // An HTTP server waits for its slowest client; a process that is told to stop does not.
      await within(2_000, receiver.stop(), () => {});
      await within(3_000, Promise.allSettled([...working]), () => {});
    },
    ready: () => {
      if (revoked) return { ok: false, why: REVOKED };
      return !socket || socket.connected() ? { ok: true } : { ok: false, why: 'the connection to Slack is down and being opened again' };
    },
    port: () => portOf(server) ?? port,
  };
}

function boltApp(receiver: Receiver, { botToken, apiUrl }: SlackOptions, self: Desk['self'], logger: Logger): App {
  return new App({
    receiver,
    logger,
    convoStore: false,
    // Known already: Bolt would ask Slack on each start, and listen to nobody where that fails.
    authorize: async () => ({ botToken, botId: self.bot, botUserId: self.user, teamId: self.team }),
    clientOptions: { ...(apiUrl ? { slackApiUrl: apiUrl } : {}), retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, logger },
  });
}

async function whoWeAre({ slack, apiUrl, startWithinMs = 15_000 }: SlackOptions, until: number): Promise<Desk['self']> {
  for (;;) {
    try {
      return await slack.self();
    } catch (error) {
      const passing = error instanceof Error && 'transient' in error && error.transient === true;
      if (!passing) throw error;
      const sentence = `Slack at ${apiUrl ?? 'https://slack.com/api/'} did not answer within ${startWithinMs / 1000} s. Check the network and SLACK_API_URL.`;
      if (Date.now() > until) throw new Error(sentence, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

function portOf(server: unknown): number | null {
  const address = server && typeof server === 'object' && 'address' in server && typeof server.address === 'function' ? server.address() : null;
  return typeof address?.port === 'number' ? address.port : null;
}

/** Bolt's own lines, but for its debug chatter, which holds whole payloads. */
function quiet(log: Log): Logger {
  const say =
    (level: 'info' | 'warn' | 'error') =>
    (...parts: unknown[]) =>
      log[level]({ from: 'bolt' }, parts.map(String).join(' '));
  return { debug() {}, info: () => undefined, warn: say('warn'), error: say('error'), setLevel() {}, getLevel: () => LogLevel.INFO, setName() {} };
}
