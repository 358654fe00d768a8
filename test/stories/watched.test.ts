import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { turnIds } from '../../src/ops/tracing.ts';
import { drawTrace } from '../ops/draw-trace.ts';
import { type ReceivedSpan, receiveOtlp } from '../ops/otlp-receiver.ts';
import { SEED, seedScript } from './seed.ts';
import { openStage, type StoryStage } from './stage.ts';

// The main job as an operator sees it: its traces at a collector, its figures at /metrics, its lines in the log.

let stage: StoryStage;
let collector: Awaited<ReturnType<typeof receiveOtlp>>;
let session: Awaited<ReturnType<StoryStage['ended']>>;

beforeAll(async () => {
  collector = await receiveOtlp();
  stage = await openStage({
    mode: 'http',
    scripts: [seedScript().script],
    between: async (variables) => ({ ...variables, ANTHROPIC_MODEL: 'claude-sonnet-5-5', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, QUEUE_BOARD: 'on' }),
    config: { pricing: { 'claude-sonnet-5-5': { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 } } },
  });
  await stage.command(SEED);
  const runCard = await stage.card();
  expect(await figure('gateway', 'labmate_approvals_pending')).toBe(1);
  expect(await figure('worker', 'labmate_sessions{state="waiting_for_approval"}')).toBe(1);
  await stage.click('U2', runCard, 'approve_call');
  const pullCard = await stage.until('the pull request card', () => stage.messages().findLast((m) => stage.button(m, 'approve_call') && m.ts !== runCard.ts));
  await stage.click('U3', pullCard, 'approve_call');
  session = await stage.ended();
  await stage.until('the last turn at the collector', () => collector.spans.some((s) => s.attributes['labmate.state'] === 'done' || isLast(s)));
});
afterAll(async () => {
  await stage?.close();
  await collector?.close();
});

const isLast = (s: ReceivedSpan) => s.name === 'invoke_agent labmate' && s.attributes['labmate.lines'] === session.seq;

async function figure(role: 'gateway' | 'worker', name: string): Promise<number | null> {
  const text = await (await fetch(`${stage.product.admin(role)}/metrics`)).text();
  const line = text.split('\n').find((l) => l.startsWith(`${name} `));
  return line === undefined ? null : Number(line.slice(name.length + 1));
}

test('each turn is one trace, and each is linked to the one before it', async () => {
  const turns = collector.spans.filter((s) => s.name === 'invoke_agent labmate').sort((a, b) => a.start - b.start);
  expect(turns.length).toBeGreaterThanOrEqual(4);
  expect(new Set(turns.map((t) => t.traceId)).size).toBe(turns.length);
  for (const [i, turn] of turns.entries()) {
    expect(turn.attributes).toMatchObject({ 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.conversation.id': session.id, 'gen_ai.agent.name': 'labmate' });
    expect(turn.parentSpanId).toBe('');
    const before = turns.slice(0, i).map(({ traceId, spanId }) => ({ traceId, spanId }));
    if (i === 0) expect(turn.links).toEqual([]);
    else expect(before).toContainEqual(turn.links[0]);
  }
  expect(turns.map(({ traceId, spanId }) => ({ traceId, spanId }))).toContainEqual(turnIds(session.id, Number(turns[0]!.attributes['labmate.turn'])));
});

test('inside a turn stand the questions to the model, the calls, and the requests these made', () => {
  const chats = collector.spans.filter((s) => s.attributes['gen_ai.operation.name'] === 'chat');
  expect(chats.map((s) => s.name)).toEqual(Array(6).fill('chat claude-sonnet-5-5'));
  const sum = (name: string) => chats.reduce((total, s) => total + Number(s.attributes[name]), 0);
  expect(sum('gen_ai.usage.output_tokens')).toBe(session.usage.output);
  expect(sum('gen_ai.usage.input_tokens')).toBe(session.usage.input + session.usage.cache_read + session.usage.cache_write);
  expect(chats.map((s) => s.attributes['gen_ai.response.finish_reasons'])).toEqual([...Array(5).fill(['tool_use']), ['end_turn']]);

  const calls = collector.spans.filter((s) => s.attributes['mcp.method.name'] === 'tools/call');
  const results = (tool: string) => calls.filter((s) => s.attributes['gen_ai.tool.name'] === tool).map((s) => s.attributes['labmate.result']);
  expect(results('run_databricks_job')).toEqual(['waits_for_approval', 'ok']);
  expect(results('wait_for_job')).toEqual(['waits_for_job', 'ok']);
  expect(results('create_github_pr')).toEqual(['waits_for_approval', 'ok']);
  const started = calls.find((s) => s.name === 'execute_tool run_databricks_job' && s.attributes['labmate.result'] === 'ok')!;
  const requests = collector.spans.filter((s) => s.parentSpanId === started.spanId && s.traceId === started.traceId);
  expect(requests.find((s) => String(s.attributes['url.full']).endsWith('/jobs/run-now'))?.attributes).toMatchObject({
    'http.request.method': 'POST',
    'http.response.status_code': 200,
  });
  // Also of those that do not go by Node's fetch: one question to the model each, and the look at who approved.
  const to = (path: string) => collector.spans.filter((s) => String(s.attributes['url.full']).endsWith(path));
  expect(to('/v1/messages').map((s) => [s.parentSpanId, s.attributes['http.response.status_code']])).toEqual(chats.map((s) => [s.spanId, 200]));
  expect(to('/users.info').length).toBeGreaterThan(0);
  expect(started.resource).toMatchObject({ 'service.name': 'labmate' });
});

test('no prompt, argument, answer or token is in what was sent', () => {
  const sent = collector.bytes();
  for (const words of ['Run a training job', 'feature_set', 'val_f1', 'sandbox-token', 'sk-ant', 'xoxb']) expect(sent).not.toContain(words);
});

test('/metrics counts what happened, and the log names session and call', async () => {
  expect(await figure('worker', 'labmate_sessions_ended_total{outcome="done"}')).toBe(1);
  expect(await figure('worker', 'labmate_tool_seconds_count{tool="create_github_pr",result="ok"}')).toBe(1);
  expect(await figure('worker', 'labmate_model_seconds_count{result="reply"}')).toBe(6);
  expect(await figure('worker', 'labmate_model_tokens_total{model="claude-sonnet-5-5",kind="output"}')).toBe(session.usage.output);
  expect(await figure('worker', 'labmate_model_dollars_total{model="claude-sonnet-5-5"}')).toBeGreaterThan(0);
  expect(await figure('gateway', 'labmate_slack_ack_seconds_count{kind="command",acked="true"}')).toBe(1);
  expect(await figure('gateway', 'labmate_slack_ack_seconds_count{kind="block_actions",acked="true"}')).toBe(2);
  expect(await figure('gateway', 'labmate_approvals_pending')).toBe(0);
  expect(await figure('worker', 'labmate_due_oldest_seconds')).toBeLessThan(5);
  const lines = (await readLog('worker')).filter((line) => line['msg'] === 'a tool was called');
  expect(lines).toContainEqual(
    expect.objectContaining({ session: session.id, alias: session.opened.alias, tool: 'run_databricks_job', result: 'ok', call: expect.any(String) }),
  );
});

test('the bells can be looked at where that is switched on, and not touched', async () => {
  const board = `${stage.product.admin('worker')}/queues`;
  const page = await fetch(board);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('labmate: bells')]);
  const api = (await (await fetch(`${board}/api/queues?activeQueue=turns&status=latest&page=1`)).json()) as {
    queues: { name: string; readOnlyMode: boolean }[];
  };
  expect(api.queues).toMatchObject([{ name: 'turns', readOnlyMode: true }]);
  const touched = await fetch(`${board}/api/queues/turns/pause`, { method: 'PUT' });
  expect(touched.status).toBeGreaterThanOrEqual(400);
  expect(await stage.turns.isPaused()).toBe(false);
});

test('the picture of the trace is drawn from these spans', async () => {
  const { svg, png } = drawTrace(collector.spans);
  expect(svg).toContain('execute_tool run_databricks_job');
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  // LABMATE_WRITE_PICTURES=1 npm test -- test/stories/watched.test.ts
  if (process.env['LABMATE_WRITE_PICTURES']) await writeFile(join(import.meta.dirname, '..', '..', 'docs', 'images', 'trace.png'), png);
});

async function readLog(role: string): Promise<Record<string, unknown>[]> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(join(stage.dir, `${role}.log`), 'utf8');
  return text
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
