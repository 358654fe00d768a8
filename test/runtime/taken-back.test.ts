import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { makeBreakers } from '../../src/agent/breaker.ts';
import { callTool } from '../../src/agent/call-tool.ts';
import { openToolbox } from '../../src/agent/toolbox.ts';
import { aboutOf } from '../../src/runtime/about.ts';
import { type AdvanceDeps, advance, type Perform } from '../../src/runtime/advance.ts';
import { UpstreamError } from '../../src/services/http.ts';
import { narrate } from '../../src/slack/narrate.ts';
import { done, writeTool } from '../../src/tools/define-tool.ts';
import { LIMITS, replied } from '../session/logs.ts';
import { permissions } from '../slack/a-desk.ts';
import { aLog } from './a-log.ts';

let it: ReturnType<typeof aLog>;
let isAway: boolean;
let ran: number;
beforeEach(async () => {
  it = aLog();
  [isAway, ran] = [false, 0];
  await it.open('s1');
});
afterEach(() => it.close());

const tool = writeTool({
  name: 'launch',
  title: 'Launch',
  description: 'Launches.',
  input: z.strictObject({}),
  output: z.object({}),
  needs: [],
  destructive: false,
  idempotent: true,
  recovery: 'same-key',
  timeoutMs: 1_000,
  async plan() {
    if (isAway) throw new UpstreamError('Databricks is failing.', { upstream: 'Databricks', status: 503, code: null, transient: true });
    return { kind: 'plan', arguments: {}, touches: {}, preview: { summary: 'Launch', facts: [], changes: [] } };
  },
  async run() {
    ran += 1;
    return done('Launched.', {});
  },
});

/** One worker's turn, through the real gate. */
async function turn(): Promise<void> {
  const settings = { defaults: {}, metrics: {}, thresholdReading: 'relative', recordsPath: 'experiments', environments: {} } as const;
  const toolbox = await openToolbox([tool], { services: {}, settings, permissions, now: it.log.now });
  const yes = async () => ({ ok: true }) as const;
  const deps = { toolbox, putImage: async () => '', root: async () => '1.1', stillEntitled: yes, canBeAsked: yes, breakers: makeBreakers(), random: () => 0 };
  const perform: Perform = async (step, held) => {
    if (step.do === 'think') return [held.session.replies.length === 0 ? replied(1, [{ id: 'c1', tool: 'launch' }]) : replied(held.session.seq)];
    const claim = async (start: Parameters<typeof held.claim>[0]) =>
      ((await held.claim(start, start.approval, false)).is === 'OK' ? 'go' : 'lost') as 'go' | 'lost';
    return callTool(step.call, { ...held, claim }, deps);
  };
  const all: AdvanceDeps = { log: it.log, perform, expire: async () => {}, limits: LIMITS, executionExpiresMs: 60_000, rested: async () => {} };
  await advance('s1', all);
  await toolbox.close();
}

const session = async () => (await it.reading.session('s1'))!;
const asked = async () => [...(await session()).approvals.keys()][0] ?? '';
const decide = async (key: string, what: 'approve' | 'withdraw') => it.deliver(key, { do: what, session: 's1', approval: await asked(), by: 'U2' });
const again = () => it.deliver('again', { do: 'tell', session: 's1', by: 'U1', text: 'Try again.', ts: null, kind: 'retry', standing: 'requester' });

test('a yes taken back while its call waits for a backend leaves one question, whose next yes lets it run', async () => {
  await turn();
  await decide('yes', 'approve');
  isAway = true;
  await turn();
  expect((await session()).calls.get('c1')?.status).toMatchObject({ is: 'parked', waiting: { for: 'retry' } });

  await decide('back', 'withdraw');
  isAway = false;
  await again();
  await turn();
  const s = await session();
  expect([...s.approvals.values()].map((a) => [a.id, a.state])).toEqual([[await asked(), 'pending']]);
  expect(s.calls.get('c1')?.status).toMatchObject({ is: 'parked', waiting: { for: 'approval', approval: await asked() } });
  expect(aboutOf(s, null)).toMatchObject({ state: 'waiting for approval', asks: { count: 1 } });
  const at = Date.parse(s.approvals.get(await asked())?.expiresAt ?? '') - 1_000;
  expect(narrate(s, { approvers: permissions.approvers, now: at }).filter((slot) => slot.name.startsWith('reminder:'))).toHaveLength(1);
  expect(ran).toBe(0);

  await decide('yes again', 'approve');
  await turn();
  expect(ran).toBe(1);
  expect([...(await session()).approvals.values()].map((a) => a.state)).toEqual(['used']);
  expect((await session()).ended?.outcome).toBe('done');
});
