import { App, type Logger, LogLevel, type Receiver } from '@slack/bolt';
import type { z } from 'zod';
import type { Permissions } from '../policy/rules.ts';
import type { Deliver } from '../runtime/commands.ts';
import type { Reading } from '../runtime/reading.ts';
import type { SlackService } from '../services/slack.ts';
import { NewerRecord } from '../session/record-version.ts';
import { answerClick, clickSchema, onClick } from './buttons.ts';
import { onCommand } from './command.ts';
import type { Desk, Editing, Runs } from './desk.ts';
import { onEdit, type Submitted } from './editing.ts';
import { commandSchema } from './given.ts';
import { homeSchema, onHomeOpened } from './home.ts';
import { LISTENERS } from './listeners.ts';
import type { Log } from './log.ts';
import { loopGuard } from './loop-guard.ts';
import { messageSchema, NotStored, onMessage, onShortcut, shortcutSchema } from './mention.ts';
import { onDenyReason, submissionSchema } from './modals.ts';
import { onNewExperiment } from './new-experiment.ts';
import { httpReceiver, type Other, StoreThenAckReceiver } from './receivers.ts';

export type SlackOptions = {
  botToken: string;
  /** Socket Mode, where it is given; else HTTP with the signing secret. */
  appToken?: string | undefined;
  signingSecret?: string | undefined;
  apiUrl?: string | undefined;
  /** For HTTP. 0: any free one; `port()` says which. */
  port: number;
  deliver: Deliver;
  reading: Reading;
  permissions: Permissions;
  slack: SlackService;
  runs?: Runs | undefined;
  editing?: Editing | undefined;
  channels: readonly string[];
  log: Log;
  /** Is told how long a delivery waited for its acknowledgement; false: it was left to Slack to send again. */
  acked?: ((kind: string, ms: number, ok: boolean) => void) | undefined;
  /** Takes requests on the HTTP port that are not Slack's. */
  other?: Other | undefined;
  /** Ms until an unreachable Slack is given up at start. */
  startWithinMs?: number | undefined;
};

export type RunningSlack = { stop(): Promise<void>; ready(): { ok: boolean; why?: string }; port(): number };

const TROUBLE = 'Something went wrong here, and it is logged. Please try again.';
const NEWER = 'A newer version of me began this and is not here at the moment, so nothing was done. Please try again in a few minutes.';

/** Listens to Slack. Everything is stored before Slack is told so. Throws one clear sentence where Slack cannot be reached or refuses the token. */
export async function startSlack(options: SlackOptions): Promise<RunningSlack> {
  const { log, port, appToken, signingSecret, startWithinMs = 15_000 } = options;
  const logger = quiet(log);
  const until = Date.now() + startWithinMs;
  const self = await whoWeAre(options, until);
  const working = new Set<Promise<unknown>>();
  const desk: Desk = {
    ...options,
    self,
    later(work) {
      const done = work()
        .catch((error: unknown) => log.warn({ why: String(error) }, 'a private answer could not be given'))
        .finally(() => working.delete(done));
      working.add(done);
    },
  };

  const socket = appToken ? new StoreThenAckReceiver({ appToken, apiUrl: options.apiUrl, logger, log, connections: 2 }) : null;
  if (!socket && !signingSecret) throw new Error('Set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP.');
  const receiver = socket ?? httpReceiver({ signingSecret: signingSecret ?? '', port, logger, other: options.other });
  const app = boltApp(receiver, options, self, logger);
  if (options.acked) measure(app, options.acked);
  listen(app, desk);

  const server = await within(
    receiver.start(port),
    until,
    `Slack did not open a Socket Mode connection within ${startWithinMs / 1000} s. Check SLACK_APP_TOKEN.`,
  );
  log.info({ mode: socket ? 'socket' : 'http', user: self.user, team: self.team }, 'listening to Slack');
  return {
    async stop() {
      // An HTTP server waits for its slowest client; a process that is told to stop does not.
      await Promise.race([receiver.stop(), new Promise((resolve) => setTimeout(resolve, 2_000).unref())]);
      await Promise.race([Promise.allSettled([...working]), new Promise((resolve) => setTimeout(resolve, 3_000).unref())]);
    },
    ready: () => (!socket || socket.connected() ? { ok: true } : { ok: false, why: 'the connection to Slack is down and being opened again' }),
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

/** Listeners acknowledge as the last thing they do, so what they take is what Slack waits for. */
function measure(app: App, acked: NonNullable<SlackOptions['acked']>): void {
  app.use(async ({ body, next }) => {
    const began = performance.now();
    const kind = 'command' in body ? 'command' : body.type === 'event_callback' ? 'event' : body.type;
    let ok = false;
    try {
      await next();
      ok = true;
    } finally {
      acked(kind, performance.now() - began, ok);
    }
  });
}

/** Parses each kind of delivery once and hands it on. */
function listen(app: App, desk: Desk): void {
  const loops = loopGuard();
  const told = new Set<string>();
  const once = (key: string) => {
    if (told.size > 10_000) told.clear();
    return told.size < told.add(key).size;
  };

  app.command(LISTENERS.command, async ({ body, ack }) => {
    const answer = await safely(
      desk,
      commandSchema,
      body,
      (given) => onCommand(desk, given),
      (text) => ({ text }),
    );
    // Nothing to say yet: the answer follows at the response_url.
    await (answer.text === '' ? ack() : ack({ response_type: 'ephemeral', ...answer } as never));
  });
  app.event(LISTENERS.home, async ({ payload }) => {
    const read = homeSchema.safeParse(payload);
    // Nobody waits for it, and nothing hangs on it.
    if (read.success) desk.later(() => onHomeOpened(desk, read.data));
  });
  for (const event of LISTENERS.events) {
    app.event(event, async ({ payload }) => {
      const read = messageSchema.safeParse(payload);
      // Left to throw: what is not stored is not acknowledged.
      if (read.success) await onMessage(desk, read.data, once, loops);
    });
  }
  for (const action of LISTENERS.actions) {
    app.action(action, async ({ body, ack }) => {
      await safely(
        desk,
        clickSchema,
        body,
        (given) => onClick(desk, given),
        (text) => answerClick(desk, body, text),
      );
      await ack();
    });
  }
  app.view(LISTENERS.views[0], async ({ body, ack }) => {
    const refused = await safely(
      desk,
      submissionSchema,
      body,
      (given) => onDenyReason(desk, given),
      (why) => ({ field: 'reason', why }),
    );
    if (refused) await ack({ response_action: 'errors', errors: { [refused.field]: refused.why } });
    else await ack();
  });
  app.view(LISTENERS.views[1], async ({ body, ack }) => {
    const answer = await safely(
      desk,
      submissionSchema,
      body,
      (given): Promise<Submitted> => onEdit(desk, given),
      (why) => ({ field: '0', why }),
    );
    if (answer && 'view' in answer) await ack({ response_action: 'update', view: answer.view });
    else if (answer) await ack({ response_action: 'errors', errors: { [answer.field]: answer.why } });
    else await ack();
  });
  app.view('new_experiment' satisfies (typeof LISTENERS.views)[number], async ({ body, ack }) => {
    const refused = await safely(
      desk,
      submissionSchema,
      body,
      (given) => onNewExperiment(desk, given),
      (why) => ({ field: 'prompt', why }),
    );
    if (refused) await ack({ response_action: 'errors', errors: { [refused.field]: refused.why } });
    else await ack();
  });
  app.shortcut(LISTENERS.shortcuts[0], async ({ body, ack }) => {
    const answer = await safely(
      desk,
      shortcutSchema,
      body,
      (given) => onShortcut(desk, given),
      (text) => ({ text }),
    );
    const read = shortcutSchema.safeParse(body);
    if (read.success) desk.later(() => desk.slack.respond(read.data.response_url, answer));
    await ack();
  });
  app.error(async (error) => {
    const cause = 'original' in error && error.original instanceof Error ? error.original : error;
    desk.log.error({ why: String(cause) }, cause instanceof NotStored ? 'an event is left to Slack to send again' : 'a listener failed');
    throw error;
  });
}

/** Parses and works; what goes wrong is a logged line and, by way of `otherwise`, a sentence for whoever waits: a click or command must be answered. */
async function safely<S extends z.ZodType, T>(
  desk: Desk,
  schema: S,
  body: unknown,
  work: (given: z.output<S>) => Promise<T>,
  otherwise: (sentence: string) => T,
): Promise<T> {
  try {
    return await work(schema.parse(body));
  } catch (error) {
    const newer = error instanceof NewerRecord;
    desk.log.error({ why: error instanceof Error && !newer ? (error.stack ?? error.message) : String(error) }, 'a delivery from Slack could not be handled');
    return otherwise(newer ? NEWER : TROUBLE);
  }
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

async function within<T>(work: Promise<T>, until: number, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(otherwise)), Math.max(1_000, until - Date.now()));
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
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
