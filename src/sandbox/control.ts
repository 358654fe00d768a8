import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { ZodType } from 'zod';
import type { Behind } from './behind.ts';
import { actSchema, chaosSchema, faultSchema, storyWishSchema } from './control-schema.ts';
import type { Chaos, Fault, Snapshot } from './control-types.ts';
import type { SlackStandIn } from './slack/slack-stand-in.ts';
import { snapshotOf } from './snapshot.ts';
import { type Answered, type Asked, startStandIn } from './stand-in.ts';
import { recordStories } from './story.ts';
import type { TrafficLog } from './traffic-log.ts';

export type ControlOptions = {
  /** Null where the real Slack is used: then there is nobody to act as. */
  slack: SlackStandIn | null;
  traffic: TrafficLog;
  fault(fault: Fault | null): void;
  /** Brings every stand-in back to its beginning. */
  reset(): Promise<void> | void;
  /** What labmate remembers; null where nobody may look. */
  behind?: Behind | undefined;
  /** Does what no stand-in can; a sentence for whoever asked, an Error with one where it cannot be done. */
  chaos?: ((what: Chaos) => Promise<string>) | undefined;
  /** Why time cannot be skipped; null where it can. */
  cannotSkip?: string | null | undefined;
  /** Keeps a story; gives the file's path. */
  saveStory?: ((name: string, story: string) => Promise<string>) | undefined;
  about: { banner: string; simulated: Snapshot['simulated'] };
  /** Where the page's files lie; none, no page. */
  pageDir?: string | undefined;
  port?: number | undefined;
};

export type Control = { url: string; close(): Promise<void> };

/**
 * The sandbox's one control API, for the page, the scenarios, the tests and CI. It listens on loopback alone, and whoever asks must mean it:
 * Host and Origin are checked, so that a website open in the same browser can neither press its buttons nor read its answers.
 */
export async function startControl(options: ControlOptions): Promise<Control> {
  const { slack, traffic, about } = options;
  let hosts: string[] = [];
  const stories = slack && recordStories(slack);

  const state = (): Answered => ({ body: slack ? snapshotOf(slack.world, slack.origin, about) : emptySnapshot(about) });
  const withInput =
    <T>(schema: ZodType<T>, handle: (input: T) => Promise<unknown>) =>
    async (asked: Asked): Promise<Answered> => {
      const input = schema.safeParse(asked.body);
      if (!input.success) return { status: 400, body: { error: `That is no input of ${asked.path}: ${input.error.issues.map((i) => i.message).join('; ')}` } };
      try {
        return { body: await handle(input.data) };
      } catch (error) {
        return { status: 409, body: { error: error instanceof Error ? error.message : String(error) } };
      }
    };

  const server = await startStandIn({
    port: options.port,
    before: (asked) => refuse(asked, hosts),
    otherwise: () => ({ status: 404, body: { error: 'There is nothing here.' } }),
    routes: {
      'GET /control/state': state,
      'GET /control/events': () => ({ stream: (response) => follow(slack, response) }),
      'GET /control/traffic': ({ query }) => ({ body: traffic.since(Number(query.get('since') ?? 0) || 0) }),
      'POST /control/act': withInput(actSchema, async (what) => stories?.act(what) ?? { ok: false, error: 'Slack is the real one here: act in Slack itself.' }),
      'POST /control/fault': withInput(faultSchema, async (fault) => {
        options.fault(fault);
        return { ok: true };
      }),
      'GET /control/sessions': async () => ({ body: { sessions: (await options.behind?.sessions()) ?? [], cannotSkip: options.cannotSkip ?? null } }),
      'GET /control/record': async ({ query }) => {
        const record = await options.behind?.record(query.get('session') ?? '');
        return record ? { body: record } : { status: 404, body: { error: 'labmate remembers no such session.' } };
      },
      'POST /control/chaos': withInput(chaosSchema, async (what) => {
        if (!options.chaos) throw new Error('Nothing can be broken here.');
        return { ok: true, said: await options.chaos(what) };
      }),
      'POST /control/story': withInput(storyWishSchema, async ({ channel, thread, name }) => {
        if (!stories || !options.saveStory) throw new Error('Stories are told with the Slack of the sandbox only.');
        const story = stories.tell(channel, thread, name);
        const text = `${JSON.stringify(story, null, 2)}\n`;
        return { name: story.name, text, file: await options.saveStory(story.name, text) };
      }),
      'POST /control/reset': async () => {
        stories?.forget();
        await options.reset();
        return { body: { ok: true } };
      },
      'GET /': () => page(options.pageDir, 'index.html'),
      'GET /:file': ({ params }) => page(options.pageDir, params['file'] ?? ''),
    },
  });
  const port = new URL(server.url).port;
  hosts = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
  return { url: server.url, close: server.close };
}

/** What does not come from this machine's own page or tools. A browser always sends an Origin with a POST; a tool sends none. */
function refuse({ method, headers, raw }: Asked, hosts: readonly string[]): Answered | null {
  const { host, origin } = headers;
  if (!host || !hosts.includes(host)) return { status: 403, body: { error: 'This API answers on 127.0.0.1 and localhost only.' } };
  if (origin !== undefined && !hosts.some((known) => origin === `http://${known}`))
    return { status: 403, body: { error: 'This API is not for other websites.' } };
  if (method === 'GET' || method === 'HEAD') return null;
  // A plain form would reach us from anywhere without the browser asking first; JSON does not.
  const json = headers['content-type']?.split(';')[0]?.trim() === 'application/json';
  return json || raw.length === 0 ? null : { status: 415, body: { error: 'This API takes application/json.' } };
}

/** Server-sent events: the version, at once and after each change, at most every 50 ms. Ends when the reader goes away. */
function follow(slack: SlackStandIn | null, response: import('node:http').ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const tell = () => response.write(`event: version\ndata: ${slack?.world.data.version ?? 0}\n\n`);
  let soon: NodeJS.Timeout | null = null;
  const stop = slack?.world.onChange(() => {
    soon ??= setTimeout(() => {
      soon = null;
      tell();
    }, 50);
  });
  const alive = setInterval(() => response.write(': still here\n\n'), 15_000);
  tell();
  return new Promise((resolve) => {
    response.on('close', () => {
      stop?.();
      clearInterval(alive);
      if (soon) clearTimeout(soon);
      resolve();
    });
  });
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
};

async function page(dir: string | undefined, file: string): Promise<Answered> {
  const type = types[extname(file)];
  const bytes = dir && type && /^[\w-][\w.-]*$/.test(file) ? await readFile(join(dir, file)).catch(() => null) : null;
  if (!bytes || !type) return { status: 404, body: { error: 'There is nothing here.' } };
  return { type, body: bytes, headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' } };
}

function emptySnapshot(about: ControlOptions['about']): Snapshot {
  return { version: 0, team: '', bot: '', users: [], channels: [], messages: [], modals: [], homes: {}, ...about };
}
