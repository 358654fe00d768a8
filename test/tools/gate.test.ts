import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openToolbox } from '../../src/agent/toolbox.ts';
import type { PolicyRule } from '../../src/policy/rules.ts';
import { UpstreamError } from '../../src/services/http.ts';
import { slackService } from '../../src/services/slack.ts';
import { checkEntitlement } from '../../src/slack/entitled.ts';
import { done, readTool, type SessionFacts, writeTool } from '../../src/tools/define-tool.ts';
import { type CallScope, type GateDeps, gate } from '../../src/tools/gate.ts';
import { HOST } from '../../src/tools/present.ts';
import { opened, recordOf, sessionOf } from '../session/logs.ts';
import { permissive } from './permissive.ts';

const facts: SessionFacts = {
  id: 's1',
  alias: 'e-test',
  team: 'T1',
  channel: 'C0ML',
  thread: '1.1',
  requester: 'U1',
  prompt: 'Run it',
  call: 'c1',
  runs: [],
  woken: [],
  approvedBy: [],
  record: recordOf(),
  postsOutside: 0,
  links: () => new Map(),
};

const scope = (claimed: Awaited<ReturnType<CallScope['claim']>> = 'go'): CallScope => ({
  facts,
  standing: { tainted: false, postsOutside: 0 },
  signal: new AbortController().signal,
  mayAct: async () => true,
  claim: async () => claimed,
  stillEntitled: async () => ({ ok: true }),
});

function deps(...rules: PolicyRule[]): GateDeps {
  const settings: GateDeps['settings'] = { defaults: {}, metrics: {}, thresholdReading: 'relative', recordsPath: 'experiments', environments: {} };
  return { services: {}, settings, permissions: permissive(...rules), now: () => 0 };
}

const look = readTool({
  name: 'look',
  title: 'Look',
  description: 'Looks.',
  input: z.strictObject({}),
  output: z.object({}),
  needs: [],
  run: async () => done('Seen.', {}),
});

/** A post in the session's own thread, which needs nobody's yes. */
const say = (run: () => Promise<never>) =>
  writeTool({
    name: 'say',
    title: 'Say',
    description: 'Says.',
    input: z.strictObject({}),
    output: z.object({}),
    needs: ['slack'],
    destructive: false,
    idempotent: false,
    recovery: 'same-key',
    timeoutMs: 1_000,
    plan: async () => ({ kind: 'plan', arguments: {}, touches: { place: 'own-thread' }, preview: { summary: 'Say', facts: [], changes: [] } }),
    run,
  });

const failing = (status: number, code: string | null, transient = false) =>
  say(async () => {
    throw new UpstreamError('It went wrong.', { upstream: 'Databricks', status, code, transient });
  });

describe('the gate on reads', () => {
  test('a read runs by itself', async () => {
    expect(await gate(look, {}, scope(), deps())).toMatchObject({ is: 'answer' });
  });

  test('a rule that denies a read is obeyed, with a session and without', async () => {
    const denying = deps({ tool: 'look', action: 'deny' });
    const refused = { is: 'refused', why: 'A rule of labmate.json denies look (rule: look deny).', by: 'policy' };
    expect(await gate(look, {}, scope(), denying)).toEqual(refused);
    expect(await gate(look, {}, null, denying)).toEqual(refused);
  });

  test('a rule that asks about a read does not let it run', async () => {
    expect(await gate(look, {}, scope(), deps({ tool: 'l*', action: 'ask' }))).toMatchObject({
      is: 'refused',
      why: expect.stringContaining('Make it "deny" or "auto" there.'),
    });
  });
});

describe('what was declined', () => {
  let calls = 0;
  /** As a pull request's: what would be sent names a branch that is another one for each call. */
  const propose = writeTool({
    name: 'propose',
    title: 'Propose',
    description: 'Proposes.',
    input: z.strictObject({ title: z.string(), draft: z.boolean().default(false) }),
    output: z.object({}),
    needs: ['github'],
    destructive: false,
    idempotent: false,
    recovery: 'same-key',
    timeoutMs: 1_000,
    plan: async ({ title }) => ({
      kind: 'plan',
      arguments: { title, branch: `exp/${++calls}` },
      touches: {},
      preview: { summary: 'Propose', facts: [], changes: [] },
    }),
    run: async () => done('Proposed.', {}),
  });
  const ask = (title: string, more: Partial<CallScope> = {}) => {
    const declined = { digest: 'x', tool: 'propose', input: { title: 'feat: v2' }, by: 'U2' };
    return gate(propose, { title, draft: false }, { ...scope(), standing: { tainted: false, postsOutside: 0, denied: [declined] }, ...more }, deps());
  };

  test('is not asked again, though other bytes would be sent for the same wish', async () => {
    expect(await ask('feat: v2')).toMatchObject({ is: 'refused', why: expect.stringContaining('U2 declined exactly this before') });
    expect(await ask('feat: v3')).toMatchObject({ is: 'confirm' });
  });

  test('and what nobody could decide is refused instead of asked', async () => {
    const canBeAsked = async () => ({ ok: false as const, why: 'It needs a yes, and nobody can give it.' });
    expect(await ask('feat: v3', { canBeAsked })).toEqual({ is: 'refused', why: 'It needs a yes, and nobody can give it. Nothing was run.' });
  });
});

describe('what was approved', () => {
  const launch = writeTool({
    name: 'launch',
    title: 'Launch',
    description: 'Launches.',
    input: z.strictObject({}),
    output: z.object({}),
    needs: ['databricks'],
    destructive: true,
    idempotent: false,
    recovery: 'same-key',
    timeoutMs: 1_000,
    plan: async () => ({ kind: 'plan', arguments: {}, touches: {}, preview: { summary: 'Launch', facts: [], changes: [] } }),
    run: async () => done('Launched.', {}),
  });
  const approved = async (stillEntitled: CallScope['stillEntitled']) => {
    const asked = await gate(launch, {}, scope(), deps());
    if (asked.is !== 'confirm') throw new Error(`it was ${asked.is}`);
    const { digest, preview } = asked.confirmation;
    return gate(launch, {}, { ...scope(), stillEntitled, approved: { id: 's1/1', digest, by: ['U2'], preview } }, deps());
  };

  test.each(['internal_error', 'rate_limited', 'org_login_required', 'token_expired', 'invalid_auth', 'some_new_word'])(
    'waits while Slack answers %s to the look whether those who approved still may, and is not over',
    async (error) => {
      const server = createServer((_req, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: false, error })));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const slack = slackService({ token: 'xoxb-1', apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/` });
      const answer = await approved((by, rule) => checkEntitlement(slack)(sessionOf([opened()]), by, rule));
      expect(answer).toMatchObject({ is: 'retry', upstream: 'Slack', retryAfterMs: null, sent: false });
      server.closeAllConnections();
      server.close();
    },
  );

  test('is asked about again where somebody may no longer approve, and a fault of ours is no outage', async () => {
    expect(await approved(async () => ({ ok: false, why: 'Somebody left.' }))).toMatchObject({ is: 'confirm', confirmation: { again: 'Somebody left.' } });
    await expect(approved(() => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
  });
});

describe('what becomes of an effect that was sent', () => {
  test.each([
    ['no answer at all', failing(0, null, true)],
    ['a success that is not JSON', failing(200, 'NOT_JSON')],
    ['a success of another shape', failing(200, 'UNEXPECTED_SHAPE')],
  ])('after %s it is not known, so it is asked for again', async (_what, tool) => {
    expect(await gate(tool, {}, scope(), deps())).toMatchObject({ is: 'retry', sent: true });
  });

  test.each([
    ['a refusal', failing(403, 'PERMISSION_DENIED')],
    ["Slack's own no, which comes as 200", failing(200, 'channel_not_found')],
  ])('after %s it surely did not happen', async (_what, tool) => {
    await expect(gate(tool, {}, scope(), deps())).rejects.toThrow('It went wrong.');
  });

  test('a yes that was taken back in this moment leaves the question open', async () => {
    const sent = say(() => Promise.reject(new Error('must not run')));
    expect(await gate(sent, {}, scope({ refused: 'pending' }), deps())).toEqual({ is: 'held' });
    // What follows from an edit or a no stands in the log by then.
    expect(await gate(sent, {}, scope({ refused: 'edited' }), deps())).toEqual({ is: 'held' });
    expect(await gate(sent, {}, scope({ refused: 'used' }), deps())).toMatchObject({ is: 'refused' });
  });
});

test('a call that was begun of a tool that has gone since is no failure: a person is asked, and nothing is sent', async () => {
  const started = { type: 'call_started' as const, call: 'c1', tool: 'mcp__registry__mark', key: 'k', digest: 'd', arguments: {}, timeout_ms: 0 };
  const toolbox = await openToolbox([look], deps());
  const begun = { ...scope(), started };
  const asked = await toolbox.call('mcp__registry__mark', {}, begun);
  expect(asked._meta?.[HOST]).toMatchObject({
    kind: 'wait',
    waiting: {
      for: 'answer',
      to: 'U1',
      question: expect.stringMatching(/^mark on registry, which is not offered here any more: labmate was cut off while it sent this/),
    },
  });
  const answer = { text: 'It happened', by: 'U1', at: '2026-11-22T09:00:00.000Z' };
  const told = await toolbox.call('mcp__registry__mark', {}, { ...begun, facts: { ...facts, answer } });
  expect(told).toMatchObject({ _meta: { [HOST]: { kind: 'unknown' } }, structuredContent: { status: 'unknown', said: 'It happened', by: 'U1' } });
  // One that was not begun has not happened.
  expect(await toolbox.call('mcp__registry__mark', {}, scope())).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('not found') }] });
  await toolbox.close();
});
