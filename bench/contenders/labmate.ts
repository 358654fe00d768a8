import { createLog } from '../../src/log.ts';
import { openCore } from '../../src/open-core.ts';
import { openWatching } from '../../src/ops/observe.ts';
import { startJobWatch } from '../../src/runtime/job-watch.ts';
import { makeKeys } from '../../src/runtime/keys.ts';
import { connect, PATIENT } from '../../src/runtime/redis.ts';
import { startSessionWorker } from '../../src/runtime/session-worker.ts';
import { openStepper } from '../../src/worker.ts';
import { metered, pool, serve, settledHeap } from '../child.ts';
import { promptOf, type Script } from '../workload.ts';
import { benchConfig } from './config.ts';
import { benchTools } from './tools.ts';

/**
 * The product's worker, wired by the product's own code, with everything the record and the gate need. Only the tools are the bench's. Slack's side is a process of its
 * own where it is wanted, as compose.yaml runs it.
 */

const AT_ONCE = Number(process.env['AT_ONCE'] ?? 64);

const modelUrl = process.env['MODEL_URL'] ?? '';
const config = benchConfig();
const keys = makeKeys(config.redis.prefix);
// As in production, where each step leaves a line for the operator.
const log = createLog({ level: config.logLevel, secrets: config.secrets, role: 'bench' });
const core = openCore(config, keys, log);
const watching = await openWatching(config, 'worker');
const stepper = await openStepper(config, core, log, watching, benchTools(process.env['WIRE'] ? modelUrl : null));
const queueConnection = connect(config.redis.url, PATIENT);
const failures: string[] = [];
const listen = (concurrency: number) =>
  startSessionWorker({
    redis: core.redis,
    queueConnection,
    keys,
    doorbell: core.doorbell,
    concurrency,
    advance: stepper.advance,
    failed: (session, error) => failures.push(`${session}: ${error instanceof Error ? error.stack : String(error)}`),
    broken: async () => {},
    stuck: () => process.exit(70),
  });
const worker = listen(AT_ONCE);

/** The watcher's clock: so many times as fast as ours, for a job of six hours. */
const FASTER = 3_600;
const began = Date.now();
const watchersNow = () => began + (Date.now() - began) * FASTER;
/** When a run that is waited for ends, by the watcher's clock. */
let runsLastMs = 0;
const endsAt = new Map<string, number>();
let looks = 0;
const watch = startJobWatch({
  redis: core.redis,
  keys,
  deliver: core.deliver,
  ticks: watchersNow,
  everyMs: 5,
  poll: async (runs) => {
    looks += runs.length;
    return new Map(
      runs.map(({ runId }) => {
        const end = endsAt.get(runId) ?? watchersNow() + runsLastMs;
        endsAt.set(runId, end);
        const terminal = watchersNow() >= end;
        return [runId, { status: terminal ? 'SUCCEEDED' : 'RUNNING', terminal }];
      }),
    );
  },
  failed: (error) => failures.push(String(error)),
});
if (!process.env['WATCH']) watch.stop();

type Run = Omit<Script, 'session'> & { name: string; sessions: number; atOnce: number };

async function open(session: string, script: Omit<Script, 'session'>): Promise<void> {
  const prompt = promptOf({ ...script, session });
  const delivered = await core.deliver(`open:${session}`, {
    do: 'open',
    session,
    team: 'T1',
    channel: 'C0ML',
    thread: null,
    by: 'U1',
    prompt,
    door: 'command',
  });
  if (delivered.is !== 'stored') throw new Error(`opening ${session} answered ${delivered.is}`);
}

/** Until no session is open, or all are parked. */
async function untilNone(open: number, lookEveryMs = 20): Promise<void> {
  while ((await core.redis.scard(keys.liveTeam('T1'))) > open) {
    if (failures.length > 0) throw new Error(failures[0]);
    await new Promise((r) => setTimeout(r, lookEveryMs));
  }
}

/** The question that a session asks; null where it asks none. Kept nowhere: the heap that sleepers cost is looked at here. */
async function questionOf(session: string): Promise<string | null> {
  const idem = await core.redis.hgetall(keys.idem(session));
  const [asked] = Object.keys(idem).flatMap((key) => (key.startsWith('a:') && idem[key] === 'pending' ? [key.slice('a:'.length)] : []));
  return asked ?? null;
}

/** Until each has asked a person and let go. Throws where one goes on without. */
async function untilParked(sessions: readonly string[]): Promise<void> {
  for (const sid of sessions) {
    for (;;) {
      if (failures.length > 0) throw new Error(failures[0]);
      const [asked, owner] = await Promise.all([questionOf(sid), core.redis.hget(keys.st(sid), 'owner')]);
      if (asked !== null && owner === '') break;
      if ((await core.redis.hget(keys.st(sid), 'status')) === 'closed')
        throw new Error(`${sid} ended without asking anybody: ${(await core.log.lines(sid)).at(-2)}`);
      await new Promise((r) => setTimeout(r, 20));
    }
  }
}

// The brisk connection fails at once while it is not yet there.
while (
  await core.reading.ofAlias('T1', 'none').then(
    () => false,
    () => true,
  )
)
  await new Promise((r) => setTimeout(r, 20));

const names = (name: string, sessions: number) => Array.from({ length: sessions }, (_, i) => `${name}-${i}`);

serve({
  /** `lookEveryMs`: how often it is asked whether all have ended, where those questions would count. */
  run: ({ name, sessions, atOnce, lookEveryMs, ...script }: Run & { lookEveryMs?: number }) =>
    metered(async () => {
      await pool(sessions, atOnce, (i) => open(`${name}-${i}`, script));
      await untilNone(0, lookEveryMs);
    }),
  park: ({ name, sessions, atOnce, ...script }: Run) =>
    metered(async () => {
      await pool(sessions, atOnce, (i) => open(`${name}-${i}`, script));
      await untilParked(names(name, sessions));
    }),
  /** All that wait get their yes in the same moment. */
  approve: async ({ name, sessions }: Run) => {
    const asked = await Promise.all(names(name, sessions).map(async (session) => ({ session, approval: (await questionOf(session)) ?? '' })));
    return metered(async () => {
      const answers = await Promise.all(asked.map((question) => core.deliver(`click:${question.session}`, { do: 'approve', ...question, by: 'U2' })));
      if (answers.some((a) => a.is !== 'stored')) throw new Error(`an approval answered ${answers.find((a) => a.is !== 'stored')?.is}`);
      await untilNone(0);
    });
  },
  /** Their threads are taken for drawn: in a real workspace they were, long before. */
  drawn: ({ name, sessions }: Run) =>
    pool(sessions, AT_ONCE, async (i) => void (await core.log.shown(`${name}-${i}`, (await core.log.tip(`${name}-${i}`)).seq, null))),
  questionOf: ({ session }: { session: string }) => questionOf(session),
  open: ({ name, sessions, atOnce, ...script }: Run) => pool(sessions, atOnce, (i) => open(`${name}-${i}`, script)),
  untilNone: () => untilNone(0),
  untilEnded: async ({ session }: { session: string }) => {
    while ((await core.redis.hget(keys.st(session), 'status')) === 'open') await new Promise((r) => setTimeout(r, 2));
  },
  recordBytes: async ({ ids }: { ids: string[] }) => {
    let bytes = 0;
    for (const id of ids) for (const line of await core.log.lines(id)) bytes += Buffer.byteLength(line) + 1;
    return bytes;
  },
  heap: settledHeap,
  runsLast: ({ ms }: { ms: number }) => {
    runsLastMs = ms;
    looks = 0;
  },
  looks: () => looks,
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  stop: () => worker.stop(),
  failures: () => failures,
});
