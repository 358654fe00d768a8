import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Config } from './config.ts';
import type { Core } from './open-core.ts';
import { nudge } from './runtime/nudge.ts';
import { within } from './within.ts';

/** Where Databricks says that something happened to a run. */
export const DATABRICKS_HOOK = '/hooks/databricks';

/** Databricks gives up a hook that is slow, and sends it again. */
const ANSWER_WITHIN_MS = 2_000;

export type Hook = {
  /** What the sender must show: as the password of HTTP Basic, under any name, or as a bearer token. */
  secret: string;
  /** Rejects where it could not be passed on. */
  happened: () => Promise<void>;
};

/** Null: it is off. A nudge reaches the process that watches the runs, whichever that is. */
export function hookOf({ databricksWebhookSecret: secret }: Config, { redis, keys }: Core): Hook | null {
  return secret === null ? null : { secret, happened: () => nudge(redis, keys) };
}

/**
 * Takes requests to the hook; true where it did. All that a call says is that it is time to look: its body is not read, so whoever knows the secret can make labmate
 * ask Databricks sooner, and nothing else.
 */
export function databricksHook({ secret, happened }: Hook): (req: IncomingMessage, res: ServerResponse) => boolean {
  return (req, res) => {
    if (req.url?.split('?')[0] !== DATABRICKS_HOOK) return false;
    const say = (status: number, headers: Record<string, string> = {}) => {
      res.writeHead(status, headers).end();
      // What is still coming of a body is let go.
      req.resume();
    };
    if (req.method !== 'POST') say(405, { allow: 'POST' });
    else if (!isShown(secret, req.headers.authorization)) say(401, { 'www-authenticate': 'Basic realm="labmate"' });
    else
      within(ANSWER_WITHIN_MS, happened(), () => {
        throw new Error('late');
      }).then(
        () => say(204),
        () => say(503, { 'retry-after': '5' }),
      );
    return true;
  };
}

/** A port for nothing but the hook, where Slack is reached over Socket Mode. Throws a sentence where it cannot be opened. */
export async function serveHook(port: number, hook: Hook): Promise<() => Promise<void>> {
  const take = databricksHook(hook);
  const server = createServer((req, res) => {
    if (!take(req, res)) res.writeHead(404).end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new Error(`PORT ${port}, for ${DATABRICKS_HOOK}, cannot be opened (${cause.code}): choose another with PORT.`, { cause })),
    );
    server.listen(port, resolve);
  });
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
}

/** Compared by their digests: how long it takes tells nothing of the secret. */
function isShown(secret: string, header: string | undefined): boolean {
  const [, scheme = '', value = ''] = /^(Basic|Bearer) +(\S+)$/i.exec(header ?? '') ?? [];
  const shown =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(value, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, '')
      : value;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return shown !== '' && timingSafeEqual(digest(shown), digest(secret));
}
