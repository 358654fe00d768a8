import type { CoreConfig } from './config.ts';
import type { Log } from './log.ts';
import { openServices } from './open-services.ts';
import { openSessions } from './open-sessions.ts';
import { masked, scrubber, scrubDeep, suspicion } from './policy/secrets.ts';
import type { Deliver } from './runtime/commands.ts';
import { makeDeliver } from './runtime/deliver.ts';
import { makeDoorbell } from './runtime/doorbell.ts';
import { openLog } from './runtime/event-log.ts';
import type { Keys } from './runtime/keys.ts';
import { openBlobs } from './runtime/payloads.ts';
import { makePeople } from './runtime/people.ts';
import { makeReading } from './runtime/read-sessions.ts';
import { BRISK, connect, PATIENT, untilReady } from './runtime/redis.ts';

export type Core = ReturnType<typeof openCore>;

/** What both roles share: the log, the one way in, and the clients of the backends. */
export function openCore(config: CoreConfig, keys: Keys, log: Log) {
  const redis = connect(config.redis.url, PATIENT);
  // For what a person waits for: it fails soon where the other waits for Redis to come back.
  const brisk = connect(config.redis.url, BRISK);
  // An outage is said by the checks and by whoever needs Redis; here it would be said at every attempt.
  for (const connection of [redis, brisk]) connection.on('error', (error) => log.debug({ err: error }, 'redis'));
  const scrub = scrubber(config.secrets);
  // What a service's credentials look like is cut out too, though nobody told us of them.
  const clean = (text: string) => masked(scrub(text));
  const suspect = suspicion(config.secrets);
  const logOn = (connection: typeof redis) =>
    openLog(connection, keys, openBlobs(connection, keys), (event, json) => (suspect(json) ? scrubDeep(event, clean) : event));
  const eventLog = logOn(redis);
  const briskLog = logOn(brisk);
  const doorbell = makeDoorbell(brisk, keys);
  const { perUser, perTeam } = config.budgets;
  const people = makePeople();
  const deliver: Deliver = makeDeliver({
    redis: brisk,
    keys,
    log: briskLog,
    ring: doorbell.ring,
    people,
    model: config.claude?.model ?? 'none',
    limits: { perUser, perTeam },
  });
  const reading = makeReading(brisk, keys, briskLog, { retentionMs: config.retentionMs });
  return {
    redis,
    keys,
    blobs: openBlobs(redis, keys),
    log: eventLog,
    doorbell,
    people,
    deliver,
    reading,
    services: { ...openServices(config), sessions: openSessions(reading) },
    scrub,
    clean,
    suspect,
    /** Waits for the connection that fails soon, so long at most: whoever comes in the moment of a start is not turned away for it. */
    ready: (withinMs: number) => untilReady(brisk, withinMs),
    /** Fails soon where Redis does not answer now. */
    answers: () => brisk.ping(),
    close: async () => {
      await doorbell.close().catch(() => {});
      redis.disconnect();
      brisk.disconnect();
    },
  };
}
