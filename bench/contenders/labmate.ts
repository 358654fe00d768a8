import { z } from 'zod';
import { readConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import { openCore } from '../../src/open-core.ts';
import { openWatching } from '../../src/ops/observe.ts';
import { startJobWatch } from '../../src/runtime/job-watch.ts';
import { makeKeys } from '../../src/runtime/keys.ts';
import { connect, PATIENT } from '../../src/runtime/redis.ts';
import { startSessionWorker } from '../../src/runtime/session-worker.ts';
import { done, readTool, type Tool, writeTool } from '../../src/tools/define-tool.ts';
import { openStepper } from '../../src/worker.ts';
import { metered, pool, serve } from '../child.ts';
import { promptOf, type Script, TOOLS, trainingOf } from '../workload.ts';

/**
 * The product's own gateway and worker side in one process, wired by the product's own code, with everything the record and the gate need. Only the tools are the
 * bench's: they answer from memory, as those of the floors do.
 */

const AT_ONCE = 64;
const text = (name: string) => TOOLS.find((t) => t.name === name)?.description ?? name;

const tools: Tool[] = [
  readTool({
    name: 'read_training',
    title: 'Read a training run',
    description: text('read_training'),
    input: z.strictObject({ run_id: z.string().describe('The run.'), bytes: z.number().int().describe('About how long the answer may be.') }),
    output: z.object({ run_id: z.string(), status: z.string(), history: z.array(z.object({ step: z.number(), val_f1: z.number(), val_loss: z.number() })) }),
    needs: [],
    run: async ({ run_id, bytes }) => {
      const training = trainingOf(run_id, bytes);
      return done(`${training.status} after ${training.history.length} steps.`, training);
    },
  }),
  writeTool({
    name: 'note_in_thread',
    title: 'Write into the thread',
    description: text('note_in_thread'),
    input: z.strictObject({ text: z.string() }),
    output: z.object({ posted: z.boolean() }),
    needs: [],
    destructive: false,
    idempotent: true,
    recovery: 'same-key',
    timeoutMs: 6_000,
    plan: async (input) => ({
      kind: 'plan',
      arguments: input,
      touches: { place: 'own-thread' },
      preview: { summary: 'Write into the thread', facts: [], changes: [] },
    }),
    run: async () => done('Posted.', { posted: true }),
  }),
  writeTool({
    name: 'promote_run',
    title: 'Make a run the baseline',
    description: text('promote_run'),
    input: z.strictObject({ run_id: z.string() }),
    output: z.object({ run_id: z.string(), promoted: z.boolean() }),
    needs: [],
    destructive: false,
    idempotent: true,
    recovery: 'same-key',
    timeoutMs: 6_000,
    plan: async ({ run_id }) => ({
      kind: 'plan',
      arguments: { run_id },
      touches: {},
      preview: { summary: `Make ${run_id} the baseline`, environment: 'dev', facts: [{ label: 'experiment', value: 'ads-rank-v3' }], changes: [] },
    }),
    run: async (plan) => done('It is the baseline now.', { run_id: String(plan.arguments['run_id']), promoted: true }),
  }),
  readTool({
    name: 'wait_for_training',
    title: 'Wait for a training run',
    description: text('wait_for_training'),
    input: z.strictObject({ run_id: z.string() }),
    output: z.object({ run_id: z.string(), status: z.string() }),
    needs: [],
    run: async ({ run_id }, ctx) => {
      if ((ctx.session?.woken.length ?? 0) > 0) return done('It has ended.', { run_id, status: 'SUCCEEDED' });
      const waiting = { for: 'job' as const, run_ids: [run_id], until: 'all' as const, conditions: [], deadline: null };
      return { kind: 'wait', waiting, text: 'It is running.', data: { run_id, status: 'RUNNING' } };
    },
  }),
];

const modelUrl = process.env['MODEL_URL'] ?? '';
const read = readConfig(
  {
    SLACK_BOT_TOKEN: 'xoxb-bench-bench-bench',
    SLACK_SIGNING_SECRET: 'bench-signing-secret',
    SLACK_API_URL: `${modelUrl}/api/`,
    ANTHROPIC_API_KEY: 'sk-bench-key-of-nobody',
    ANTHROPIC_BASE_URL: modelUrl,
    REDIS_URL: process.env['REDIS_URL'],
    REDIS_PREFIX: process.env['REDIS_PREFIX'] ?? 'lm',
    DATABRICKS_HOST: 'http://127.0.0.1:9',
    DATABRICKS_TOKEN: 'dapi-bench-token-of-nobody',
    GITHUB_TOKEN: 'ghp_bench_token_of_nobody',
    LOG_LEVEL: 'info',
  },
  JSON.stringify({
    channels: ['C0ML'],
    approvers: { default: { users: ['U2'] } },
    budgets: { turns: 100_000, toolCalls: 100_000, outputTokens: 100_000_000, perUser: 10_000_000, perTeam: 10_000_000 },
  }),
);
if (!read.ok) throw new Error(read.faults.join(' '));
const { config } = read;
const keys = makeKeys(config.redis.prefix);
// As in production, where each step leaves a line for the operator.
const log = createLog({ level: config.logLevel, secrets: config.secrets, role: 'bench' });
const core = openCore(config, keys, log);
const stepper = await openStepper(config, core, log, await openWatching(config, 'worker'), tools);
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
  now: watchersNow,
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
async function untilNone(open: number): Promise<void> {
  while ((await core.redis.scard(keys.liveTeam('T1'))) > open) {
    if (failures.length > 0) throw new Error(failures[0]);
    await new Promise((r) => setTimeout(r, 20));
  }
}

/** Until each has asked a person and let go. */
async function untilParked(sessions: readonly string[]): Promise<void> {
  for (const sid of sessions) {
    for (;;) {
      if (failures.length > 0) throw new Error(failures[0]);
      const [asked, owner] = await Promise.all([core.redis.hget(keys.idem(sid), `a:${sid}/1`), core.redis.hget(keys.st(sid), 'owner')]);
      if (asked === 'pending' && owner === '') break;
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
  run: ({ name, sessions, atOnce, ...script }: Run) =>
    metered(async () => {
      await pool(sessions, atOnce, (i) => open(`${name}-${i}`, script));
      await untilNone(0);
    }),
  park: ({ name, sessions, atOnce, ...script }: Run) =>
    metered(async () => {
      await pool(sessions, atOnce, (i) => open(`${name}-${i}`, script));
      await untilParked(names(name, sessions));
    }),
  /** All that wait get their yes in the same moment. */
  approve: ({ name, sessions }: Run) =>
    metered(async () => {
      const answers = await Promise.all(
        names(name, sessions).map((session) => core.deliver(`click:${session}`, { do: 'approve', session, approval: `${session}/1`, by: 'U2' })),
      );
      if (answers.some((a) => a.is !== 'stored')) throw new Error(`an approval answered ${answers.find((a) => a.is !== 'stored')?.is}`);
      await untilNone(0);
    }),
  open: ({ name, sessions, atOnce, ...script }: Run) => pool(sessions, atOnce, (i) => open(`${name}-${i}`, script)),
  untilNone: () => untilNone(0),
  recordBytes: async ({ ids }: { ids: string[] }) => {
    let bytes = 0;
    for (const id of ids) for (const line of await core.log.lines(id)) bytes += Buffer.byteLength(line) + 1;
    return bytes;
  },
  heap: () => {
    for (let i = 0; i < 3; i++) globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  },
  runsLast: ({ ms }: { ms: number }) => {
    runsLastMs = ms;
    looks = 0;
  },
  looks: () => looks,
  stop: () => worker.stop(),
  failures: () => failures,
});
