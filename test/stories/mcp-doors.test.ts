import { createHash } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type CallToolResult, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sessionOfRef } from '../../src/runtime/commands.ts';
import { wordsOf } from '../../src/sandbox/print-thread.ts';
import { freePort } from '../../src/sandbox/redis.ts';
import { openLink } from '../crash/link.ts';
import { receiveOtlp } from '../ops/otlp-receiver.ts';
import { openStage, type StoryStage } from './stage.ts';

// The gate as clients of both doors meet it: no write reaches a stand-in without the yes of people, for exactly these bytes, once.

const token = (user: string) => `token-of-${user}-0123456789`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

let stage: StoryStage;
let collector: Awaited<ReturnType<typeof receiveOtlp>>;
let url: string;
const clients: Client[] = [];
beforeAll(async () => {
  const port = await freePort();
  collector = await receiveOtlp();
  url = `http://127.0.0.1:${port}/mcp`;
  const tokens = Object.fromEntries(['U1', 'U3'].map((user) => [sha256(token(user)), { user, scope: 'write' }]));
  stage = await openStage({
    mode: 'socket',
    scripts: [],
    config: {
      approvers: {
        default: { users: ['U1'], groups: ['S1'], channel: 'C0ML' },
        cancel_job_run: { expiresAfter: '2s' },
        tag_run: { users: ['U1'], requesterMayApprove: true },
      },
    },
    between: async (variables) => ({
      ...variables,
      MCP_HTTP_PORT: String(port),
      MCP_HTTP_TOKENS: JSON.stringify(tokens),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    }),
  });
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await stage?.close();
  await collector?.close();
});
beforeEach(() => stage.begin());

type Answer = { failed: boolean; text: string; data: Record<string, unknown>; meta: unknown };
type Call = (name: string, input: Record<string, unknown>, meta?: Record<string, unknown>, signal?: AbortSignal) => Promise<Answer>;

async function connect(
  door: 'stdio' | 'http',
  user: string,
  says?: () => { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, boolean> },
  more: Record<string, string> = {},
) {
  const client = new Client({ name: 'coder', version: '2.1' }, { capabilities: says ? { elicitation: { form: {} } } : {} });
  const asked: string[] = [];
  if (says)
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params.message);
      return says();
    });
  const transport =
    door === 'http'
      ? new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${token(user)}` } } })
      : new StdioClientTransport({ command: process.execPath, args: ['bin/labmate.mjs', 'mcp'], env: { ...stage.variables, LABMATE_USER: user, ...more } });
  await client.connect(transport as Parameters<Client['connect']>[0]);
  clients.push(client);
  const call: Call = async (name, input, _meta, signal) => {
    const wanted = { name, arguments: input, ...(_meta ? { _meta } : {}) };
    const answer = (await client.callTool(wanted, undefined, signal && { signal })) as CallToolResult;
    const text = answer.content.flatMap((c) => (c.type === 'text' ? [c.text] : [])).join('\n');
    return { failed: answer.isError === true, text, data: answer.structuredContent ?? {}, meta: answer._meta };
  };
  return { call, asked };
}

const confirmationOf = ({ data }: Answer) => (data['confirmation'] ?? {}) as { id: string; summary: string; expires_at: string };
const launches = () => stage.launches().length;

describe.each(['http', 'stdio'] as const)('over %s', (door) => {
  let call: Call;
  beforeAll(async () => {
    ({ call } = await connect(door, 'U1'));
  });
  const run = { job_id: '101', parameters: { feature_set: `by-${door}` } };

  test('a read runs at once', async () => {
    expect(await call('list_databricks_jobs', {})).toMatchObject({
      failed: false,
      data: { jobs: expect.arrayContaining([expect.objectContaining({ job_id: '101' })]) },
    });
  });

  test('a look that the client takes back is broken off, and stands so in its log', async () => {
    stage.standIns.fault({ target: 'mlflow', kind: 'slow', ms: 15_000 });
    const taken = new AbortController();
    const looking = call('list_experiments', {}, undefined, taken.signal);
    looking.catch(() => {});
    setTimeout(() => taken.abort('enough'), 1_000);
    await expect(looking).rejects.toThrow();
    stage.standIns.fault(null);
    const text = 'The client took the call back, or went away, before there was an answer.';
    await stage.until(
      'its line',
      async () => {
        const logs = (await stage.reading.list('T1')).filter((a) => a.prompt === `Calls of an MCP client over ${door}`);
        const sessions = await Promise.all(logs.map((a) => stage.reading.session(a.session)));
        return sessions.some((s) => [...(s?.calls.values() ?? [])].some((c) => c.status.is === 'finished' && c.status.outcome.text === text));
      },
      10,
    );
  });

  test('a write asks people, and nothing a client can say is a yes', async () => {
    const before = launches();
    const asked = await call('run_databricks_job', run);
    expect(asked).toMatchObject({
      failed: false,
      meta: undefined,
      data: { requires_confirmation: true, confirmation: { summary: expect.stringContaining('101') } },
    });
    const { id, expires_at } = confirmationOf(asked);
    expect(Date.parse(expires_at)).toBeGreaterThan(Date.now());
    const card = await stage.shows(new RegExp(`by-${door}[^]*Waiting for a decision`));
    expect(wordsOf(card)).toContain('Asked by the MCP client coder 2.1');
    expect(stage.button(card, 'edit_call')).toBe(false);

    // Again, and forged: with the confirmation's id where the host keeps its reference, and as an argument.
    expect(confirmationOf(await call('run_databricks_job', run)).id).toBe(id);
    expect(confirmationOf(await call('run_databricks_job', run, { 'labmate/call': id, approved: true })).id).toBe(id);
    expect(await call('run_databricks_job', { ...run, confirmation_id: id })).toMatchObject({
      failed: true,
      text: expect.stringContaining('there is no "confirmation_id"'),
    });
    // The requester's own click does not count.
    await stage.click('U1', card, 'approve_call');
    await stage.until('the requester to be told', () => stage.whispers('U1').find((w) => w.includes('You asked for it')));
    expect((await call('get_approval', { confirmation_id: id })).data).toMatchObject({ status: 'pending' });
    expect(launches()).toBe(before);

    await stage.click('U2', card, 'approve_call');
    await stage.until('the yes', async () => (await call('get_approval', { confirmation_id: id })).data['status'] === 'approved');
    // People said yes; the client has to call. Neither another principal nor other arguments are what they said yes to.
    const foreign = await connect(door, 'U3');
    expect(confirmationOf(await foreign.call('run_databricks_job', run)).id).not.toBe(id);
    expect(confirmationOf(await call('run_databricks_job', { ...run, parameters: { feature_set: 'other' } })).id).not.toBe(id);
    expect(launches()).toBe(before);

    const ran = await call('run_databricks_job', run);
    expect(ran).toMatchObject({ failed: false, data: { run_id: expect.stringMatching(/^\d+$/) } });
    expect(launches()).toBe(before + 1);
    expect(stage.launches().at(-1)).toMatchObject({ jobId: '101', parameters: expect.objectContaining(run.parameters) });
    expect((await call('get_approval', { confirmation_id: id })).data).toMatchObject({ status: 'used', by: ['U2'] });

    // Used once: the same call again is a new question.
    expect(confirmationOf(await call('run_databricks_job', run)).id).not.toBe(id);
    expect(launches()).toBe(before + 1);
  });

  test('a no is told, and not asked about again; a yes that comes too late is none', async () => {
    const before = launches();
    const refused = { job_id: '101', parameters: { feature_set: `no-${door}` } };
    const { id } = confirmationOf(await call('run_databricks_job', refused));
    const card = await stage.shows(new RegExp(`no-${door}[^]*Waiting for a decision`));
    await stage.act({ as: 'U2', do: 'say', text: 'rather with seed 7', channel: 'C0ML', thread: card.ts });
    await stage.until('a word to whoever speaks to a client', () => stage.whispers('U2').find((w) => w.includes('Nobody reads replies here')));
    await stage.click('U2', card, 'deny_call');
    const modal = await stage.until('the reason modal', () => stage.slack.world.data.modals.find((m) => m.user === 'U2'));
    await stage.act({ as: 'U2', do: 'submit', modal: modal.id, values: {} });
    await stage.until('the no to be written down', async () => (await call('get_approval', { confirmation_id: id })).data['status'] === 'denied');
    // Until the call itself has ended, the same again is still that call.
    await stage.until('the call to have its answer', async () => {
      const session = await stage.reading.session(sessionOfRef(id));
      return session?.calls.get(session.approvals.get(id)?.call ?? '')?.status.is === 'finished';
    });
    expect(await call('run_databricks_job', refused)).toMatchObject({ failed: true, text: expect.stringContaining('U2 declined exactly this before') });

    const going = stage.standIns.training.launch({ jobId: '101', parameters: {}, token: null }).launch.runId;
    const late = confirmationOf(await call('cancel_job_run', { run_id: going }));
    expect(late.id).toMatch(/\/\d+-[0-9a-f]{12}$/);
    await stage.until('its time to be over', async () => (await call('get_approval', { confirmation_id: late.id })).data['status'] === 'expired');
    const again = confirmationOf(await call('cancel_job_run', { run_id: going }));
    expect(again.id).not.toBe(late.id);
    expect(launches()).toBe(before + 1);
  });

  test('where their own yes counts, the person at the client is asked there', async () => {
    const run_id = (await stage.standIns.training.launches().at(-1)?.runId) ?? '';
    const mlflow = (await call('search_runs', { experiment: 'ads-rank-v3', limit: 1 })).data['runs'] as { run_id: string }[];
    const tag = { run_id: mlflow[0]?.run_id ?? run_id, key: `team.${door}`, value: 'looked at\u202E by Sam' };
    let says: ReturnType<Parameters<typeof connect>[2] & object> = { action: 'cancel' };
    const asking = await connect(door, 'U1', () => says);
    const tagged = await asking.call('tag_run', tag);
    expect(tagged, tagged.text).toMatchObject({ data: { requires_confirmation: true } });
    // The card's words, and what nobody could see is shown.
    expect(asking.asked).toEqual([expect.stringContaining('Exactly this is sent, with tag_run')]);
    expect(asking.asked[0]).toContain('looked at\\u{202E} by Sam');
    expect(asking.asked[0]).not.toContain('\u202E');
    says = { action: 'accept', content: { approve: true } };
    expect(await asking.call('tag_run', tag)).toMatchObject({ failed: false, data: { key: `team.${door}` } });
    // Not where somebody else decides.
    await asking.call('run_databricks_job', { job_id: '101', parameters: { feature_set: 'own' } });
    expect(asking.asked).toHaveLength(2);
  });

  test('every call stands in a log of this principal and this door', async () => {
    expect(await call('run_anything', { now: true })).toMatchObject({ failed: true, text: expect.stringContaining('Tool run_anything not found.') });
    const deep = JSON.parse(`${'{"a":'.repeat(150)}1${'}'.repeat(150)}`);
    expect(await call('get_job_status', deep)).toMatchObject({ failed: true, text: expect.stringContaining('nested more than 100 levels deep') });
    const logs = (await stage.reading.list('T1')).filter((about) => about.prompt === `Calls of an MCP client over ${door}` && about.by === 'U1');
    expect(logs).toHaveLength(1);
    const session = (await stage.reading.session(logs[0]!.session))!;
    const tools = [...session.calls.values()].map((c) => c.tool);
    expect(tools).toEqual(expect.arrayContaining(['list_databricks_jobs', 'run_databricks_job', 'get_approval', 'cancel_job_run', 'tag_run']));
    // What went no further than the door is in the log, too, and so is what a tool does not take.
    expect([...session.calls.values()].slice(-2)).toMatchObject([
      { tool: 'run_anything', input: { now: true }, status: { is: 'finished', outcome: { status: 'refused', text: 'Tool run_anything not found.' } } },
      { tool: 'get_job_status', input: {}, status: { is: 'finished', outcome: { status: 'refused', text: expect.stringContaining('nested more than') } } },
    ]);
    const refused = [...session.calls.values()].flatMap((c) =>
      c.status.is === 'finished' && c.status.outcome.text.startsWith('BAD_ARGUMENTS') ? [c.tool] : [],
    );
    expect(refused).toContain('run_databricks_job');
    expect([...session.calls.values()].filter((c) => c.started).map((c) => [c.tool, c.started?.approval !== undefined])).toEqual([
      ['run_databricks_job', true],
      ['tag_run', true],
    ]);
    expect(session.ended).toBeUndefined();
  });
});

test("an operator sees what clients ask for: counted by method, tool and outcome, and as spans that join the client's own trace", async () => {
  const figures = async () => (await fetch(`${stage.product.admin('gateway')}/metrics`)).text();
  const before = await figures();
  const { call } = await connect('http', 'U1');
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await call('list_databricks_jobs', {}, { traceparent });
  await call('run_databricks_job', { job_id: '101', parameters: { feature_set: 'counted' } });
  await call('fetch_mlflow_run', { run_id: '0'.repeat(32) });
  expect((await fetch(url, { method: 'POST' })).status).toBe(401);
  const after = await figures();
  const more = (name: string, labels: string) => {
    const count = (text: string) => Number(new RegExp(`^${name}\\{${labels}\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
    return count(after) - count(before);
  };
  const asked = [
    'initialize",result="ok',
    ...['list_databricks_jobs",result="ok', 'run_databricks_job",result="asked', 'fetch_mlflow_run",result="tool_error'].map((t) => `tools/call",target="${t}`),
  ];
  expect(asked.map((labels) => more('labmate_mcp_request_seconds_count', `method="${labels}"`))).toEqual([1, 1, 1, 1]);
  expect(more('labmate_mcp_refused_total', 'status="401"')).toBe(1);
  expect(after).toMatch(/^labmate_mcp_connections [1-9]/m);

  const span = await stage.until('the span at the collector', () => collector.spans.find((s) => s.parentSpanId === 'b7ad6b7169203331'));
  expect(span).toMatchObject({
    name: 'tools/call list_databricks_jobs',
    parentSpanId: 'b7ad6b7169203331',
    attributes: {
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'list_databricks_jobs',
      'mcp.session.id': expect.any(String),
      'jsonrpc.request.id': expect.any(String),
      'labmate.result': 'ok',
    },
  });
  // What it asked of backends stands in it.
  expect(collector.spans.some((s) => s.parentSpanId === span.spanId && s.name === 'GET')).toBe(true);
});

test('a client that calls at once finds its log, however slowly Redis is reached', async () => {
  const redis = new URL(String(stage.variables.REDIS_URL));
  const link = await openLink(Number(redis.port));
  // Slack is known long before: nothing may be refused because Redis is not there yet.
  link.slow(2_000);
  redis.port = String(link.port);
  const { call } = await connect('stdio', 'U3', undefined, { REDIS_URL: redis.href });
  setTimeout(() => link.slow(0), 300);
  const asked = await call('run_databricks_job', { job_id: '101', parameters: { feature_set: 'at-once' } });
  expect(asked, asked.text).toMatchObject({ failed: false, data: { requires_confirmation: true } });
  await clients.pop()?.close();
  await link.close();
});
