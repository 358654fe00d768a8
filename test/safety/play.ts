import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { makeBreakers } from '../../src/agent/breaker.ts';
import { callTool } from '../../src/agent/call-tool.ts';
import { openToolbox, type Toolbox } from '../../src/agent/toolbox.ts';
import { digestOf } from '../../src/policy/digest.ts';
import type { Permissions } from '../../src/policy/rules.ts';
import { type AdvanceDeps, advance, type Perform, type Turn } from '../../src/runtime/advance.ts';
import type { Command } from '../../src/runtime/commands.ts';
import { makeDeliver } from '../../src/runtime/deliver.ts';
import { type EventLog, openLog } from '../../src/runtime/event-log.ts';
import { makeKeys } from '../../src/runtime/keys.ts';
import { openBlobs } from '../../src/runtime/payloads.ts';
import { connect, PATIENT } from '../../src/runtime/redis.ts';
import { verify } from '../../src/session/chain.ts';
import type { Entry } from '../../src/session/events.ts';
import { fold } from '../../src/session/fold.ts';
import { done, type Tool, type ToolContext, writeTool } from '../../src/tools/define-tool.ts';
import type { CallScope } from '../../src/tools/gate.ts';
import { type Effect, wrongs } from './ran-iff-approved.ts';
import type { Op, Schedule } from './schedules.ts';

/** The worker is gone: nothing it was about to do happens. */
class Gone extends Error {}

/** The backend of one session, as the tools meet it. */
type Backend = { revision: number; effects: Effect[]; around(act: () => void): Promise<void> };

/** `limits.executionExpires`: what the harness gives; far away, as lateness is played by an operation. */
const EXECUTION_MS = 900_000;
const LIMITS = { turns: 40, toolCalls: 120, outputTokens: 60_000, wallTimeMs: 7 * 86_400_000 };

/**
 * Plays schedules on the real scripts, deliver, advance, toolbox and gate with a real Redis. One worker's acts are the clock: an operation happens between two of
 * them, so that every schedule is played the same way each time, whatever the machine is doing.
 */
export async function openPlay(redisUrl: string) {
  const redis = connect(redisUrl, PATIENT);
  const keys = makeKeys(`play-${randomUUID().slice(0, 8)}`);
  const blobs = openBlobs(redis, keys);
  const log = openLog(redis, keys, blobs);
  const deliver = makeDeliver({ redis, keys, log, ring: async () => {}, model: 'claude-sonnet-5-5', limits: { perUser: 1e9, perTeam: 1e9 } });
  const backends = new Map<string, Backend>();
  const toolboxes = new Map<string, Toolbox>();
  let ran = 0;

  /** A toolbox for each way in which approvers are configured; every session of the play shares it. */
  async function toolboxFor(need: number, expiresAfterMs: number): Promise<Toolbox> {
    const name = `${need}/${expiresAfterMs}`;
    const known = toolboxes.get(name);
    if (known) return known;
    const made = await openToolbox(tools(backends), { services: {}, settings, permissions: permissionsOf(need, expiresAfterMs), now: log.now });
    toolboxes.set(name, made);
    return made;
  }

  /** Plays one schedule and answers what was wrong: nothing, if the product holds. */
  async function play(schedule: Schedule): Promise<{ wrong: string[]; entries: Entry[] }> {
    const toolbox = await toolboxFor(schedule.need, schedule.expiresAfterMs);
    const session = newSession({ redis, log, deliver, keys, backends }, schedule, toolbox);
    const entries = await session.run();
    ran += backends.get(session.sid)?.effects.length ?? 0;
    backends.delete(session.sid);
    await redis.del(keys.log(session.sid), keys.st(session.sid), keys.idem(session.sid));
    return { wrong: session.wrong, entries };
  }

  return {
    play,
    /** Effects so far. */
    ran: () => ran,
    async close() {
      for (const toolbox of toolboxes.values()) await toolbox.close();
      redis.disconnect();
    },
  };
}

type World = {
  redis: Redis;
  log: EventLog;
  keys: ReturnType<typeof makeKeys>;
  deliver: ReturnType<typeof makeDeliver>;
  backends: Map<string, Backend>;
};

function newSession({ redis, log, deliver, keys, backends }: World, schedule: Schedule, toolbox: Toolbox) {
  const sid = `s-${randomUUID().slice(0, 13)}`;
  const wrong: string[] = [];
  const steps = structuredClone(schedule.steps);
  let delivered = 0;
  let lastDelivery: [string, Command] | null = null;
  let dying: 'before' | 'after' | null = null;
  /** The worker that acts now. The product's own code may swallow its death, so whatever a dead one tries next fails too. */
  let worker = { dead: false };
  let late = false;
  let ahead = 0;
  let freezing = false;

  const tell = async (command: Command) => {
    lastDelivery = [`${sid}:${++delivered}`, command];
    await deliver(...lastDelivery);
  };
  const approvals = async () => [...(fold(sid, await log.read(sid))?.approvals.values() ?? [])];
  /** Time passes until nobody owns the session any more. */
  const leaseIsOver = () => redis.hset(keys.st(sid), 'lease', '0');

  async function happen(op: Op): Promise<void> {
    switch (op.do) {
      case 'again':
        if (lastDelivery) await deliver(...lastDelivery);
        return;
      case 'foreign':
        return tell({ do: 'approve', session: sid, approval: 's-another/1', by: op.by });
      case 'tell':
        return tell({ do: 'tell', session: sid, by: op.by, text: op.kind, ts: null, kind: op.kind, standing: 'requester' });
      case 'drift':
        backendOf(backends, sid).revision += 1;
        return;
      case 'late':
        late = true;
        return;
      case 'pass':
        await new Promise((r) => setTimeout(r, op.ms));
        return;
      case 'die':
        dying = op.when;
        return;
      case 'freeze': {
        if (freezing) return;
        const frozen = worker;
        freezing = true;
        await leaseIsOver();
        await bring();
        freezing = false;
        worker = frozen;
        return;
      }
      default: {
        const all = await approvals();
        const chosen = all.length > 0 ? all[all.length - 1 - (op.on % all.length)] : undefined;
        if (!chosen) return;
        const ref = { session: sid, approval: chosen.id };
        if (op.do === 'expire') return tell({ do: 'expire', ...ref });
        if (op.do === 'deny') return tell({ do: 'deny', ...ref, by: op.by, ...(op.reason ? { reason: 'No.' } : {}) });
        if (op.do === 'edit') {
          const tool = fold(sid, await log.read(sid))?.calls.get(chosen.call)?.tool ?? '';
          const edited = { id: op.to, revision: backendOf(backends, sid).revision };
          const next = {
            digest: digestOf(tool, edited),
            arguments: edited,
            preview: chosen.preview,
            input: { id: op.to },
            expiresAfterMs: schedule.expiresAfterMs,
          };
          return tell({ do: 'edit', ...ref, by: op.by, ...next });
        }
        return tell({ do: op.do, ...ref, by: op.by });
      }
    }
  }

  /** Around each act of a worker: an operation may come before it, and the worker may be gone before or after it. */
  async function around<T>(act: () => Promise<T>, { mayFreeze = true } = {}): Promise<T> {
    if (worker.dead) throw new Gone();
    const die = () => {
      worker.dead = true;
      throw new Gone();
    };
    for (let step = steps[0]; step && step.gap <= 0 && (mayFreeze || step.op.do !== 'freeze'); step = steps[0]) {
      steps.shift();
      await happen(step.op);
    }
    if (steps[0] && steps[0].gap > 0) steps[0].gap -= 1;
    const when = dying;
    dying = null;
    if (when === 'before') die();
    const result = await act();
    if (when === 'after') die();
    return result;
  }

  const watched: EventLog = {
    ...log,
    now: () => log.now() + ahead,
    read: (...args) => around(() => log.read(...args)),
    park: (...args) => around(() => log.park(...args)),
    async commit(owner, fence, tip, events, guard) {
      const isLate = guard.is === 'effect' && late;
      const committed = await around(() => log.commit(owner, fence, tip, events, isLate ? { ...guard, executionExpiresMs: -1 } : guard));
      if (isLate && guard.approval) {
        late = false;
        if (committed.is === 'OK') wrong.push('an approval was used after its time');
      }
      return committed;
    },
  };
  backends.set(sid, {
    revision: 0,
    effects: [],
    async around(act) {
      // Frozen in front of the wire is the lease's business, which real processes show; here the one who wakes would be sure of a lease that was taken by force.
      await around(async () => act(), { mayFreeze: false });
    },
  });

  const perform: Perform = async (step, turn) =>
    step.do === 'think' ? [reply(schedule, turn)] : callTool(step.call, { ...turn, claim: claimOf(turn) }, callDeps(toolbox));
  const deps: AdvanceDeps = {
    log: watched,
    perform,
    expire: async (session, approval) => void (await deliver(`expire:${approval}`, { do: 'expire', session, approval })),
    limits: LIMITS,
    executionExpiresMs: EXECUTION_MS,
    rested: async () => {},
  };

  /** A worker takes the session as far as it goes; if it dies on the way, the next one takes over. */
  async function bring(): Promise<void> {
    for (;;) {
      worker = { dead: false };
      const mine = worker;
      await advance(sid, deps).catch((error: unknown) => {
        if (!(error instanceof Gone)) throw error;
      });
      if (!mine.dead) return;
      await leaseIsOver();
    }
  }

  async function run(): Promise<Entry[]> {
    await deliver(`${sid}:open`, { do: 'open', session: sid, team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt: 'Run it', door: 'command' });
    await bring();
    for (;;) {
      const before = await log.tip(sid);
      const step = steps.shift();
      if (step) await happen(step.op);
      dying = null;
      await bring();
      // What was cut off is looked for only after its own time limit, and a wait has an end: let that time pass.
      ahead += 10_000;
      await bring();
      if (!step && (await log.tip(sid)).seq === before.seq) break;
    }
    const entries = await log.read(sid);
    const verified = verify(entries.map((e) => e.line));
    if (!verified.ok) wrong.push(`the record is broken at line ${verified.line}: ${verified.why}`);
    wrong.push(...wrongs(entries, backendOf(backends, sid).effects, { executionExpiresMs: EXECUTION_MS, resting: true }));
    return entries;
  }

  return { sid, wrong, run };
}

function reply({ turns }: Schedule, { session }: Turn): ReturnType<Perform> extends Promise<(infer E)[]> ? E : never {
  const turn = turns[session.replies.length] ?? [];
  const calls = turn.map(({ tool, id }, i) => ({ id: `c${session.replies.length}-${i}`, tool, input: { id } }));
  return {
    type: 'replied',
    model: 'played',
    saw: session.seq,
    stop: calls.length > 0 ? 'tool_use' : 'end_turn',
    content: [{ type: 'text', text: 'So be it.' }],
    calls,
    usage: { input: 1, output: 1, cache_read: 0, cache_write: 0 },
    request_id: null,
  };
}

/** As main wires it. */
function claimOf(turn: Turn): CallScope['claim'] {
  return async (start, cancels) => {
    const committed = await turn.claim(start, start.approval, cancels);
    if (committed.is === 'OK') return 'go';
    if (committed.is === 'STOPPED') return 'stopped';
    return committed.is === 'REFUSED' ? { refused: committed.state } : 'lost';
  };
}

const callDeps = (toolbox: Toolbox) => ({
  toolbox,
  breakers: makeBreakers(),
  putImage: async () => '',
  root: async () => null,
  canBeAsked: async () => ({ ok: true as const }),
  stillEntitled: async () => ({ ok: true as const }),
  random: () => 0,
});

function backendOf(backends: Map<string, Backend>, sid: string): Backend {
  const backend = backends.get(sid);
  if (!backend) throw new Error(`no backend for ${sid}`);
  return backend;
}

/** Two ways an effect can be recovered: the backend honours our key, or we look for our own mark first. */
function tools(backends: Map<string, Backend>): Tool[] {
  const argumentsOf = (input: { id: string }, ctx: ToolContext) => ({
    id: String(ctx.session?.resolved?.['id'] ?? input.id),
    revision: backendOf(backends, ctx.session?.id ?? '').revision,
  });
  return (['same-key', 'look-up'] as const).map((recovery) => {
    const name = recovery === 'same-key' ? 'train' : 'propose';
    return writeTool({
      name,
      title: name,
      description: name,
      input: z.strictObject({ id: z.string() }),
      output: z.looseObject({}),
      needs: [],
      destructive: true,
      idempotent: false,
      recovery,
      timeoutMs: 5_000,
      plan: async (input, ctx) => ({
        kind: 'plan',
        arguments: argumentsOf(input, ctx),
        touches: {},
        preview: { summary: `${name} ${input.id}`, facts: [], changes: [] },
      }),
      async run(plan, ctx, key) {
        const backend = backendOf(backends, ctx.session?.id ?? '');
        await backend.around(() => {
          if (recovery === 'look-up' || !backend.effects.some((e) => e.key === key)) backend.effects.push({ key, tool: name, arguments: plan.arguments });
        });
        return done('Done.', {});
      },
      find: async (_plan, ctx, key) => (backendOf(backends, ctx.session?.id ?? '').effects.some((e) => e.key === key) ? done('Done.', {}) : null),
    });
  });
}

const settings = { defaults: {}, metrics: {}, thresholdReading: 'relative' as const, recordsPath: 'records', environments: {} };

function permissionsOf(need: number, expiresAfterMs: number): Permissions {
  return {
    approvers: { default: { users: ['U2', 'U3', 'U4'], groups: [], quorum: need, requesterMayApprove: false, expiresAfterMs, channel: null } },
    executionExpiresAfterMs: EXECUTION_MS,
    environments: {},
    actIn: [],
    allow: { experiments: [], dashboards: [], channels: [], branches: ['*'], paths: ['*'] },
    repositories: [],
    policy: { default: 'ask', rules: [] },
  };
}
