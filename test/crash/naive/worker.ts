import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'bullmq';
import { digestOf } from '../../../src/policy/digest.ts';
import { openLog } from '../../../src/runtime/event-log.ts';
import { makeKeys } from '../../../src/runtime/keys.ts';
import { openBlobs } from '../../../src/runtime/payloads.ts';
import { connect, PATIENT } from '../../../src/runtime/redis.ts';
import type { Outcome, SessionEvent } from '../../../src/session/events.ts';
import { fold } from '../../../src/session/fold.ts';

/**
 * The worker one would write first: one BullMQ job holds a session from its first word to its last, the transcript is SET after every step, and an effect is
 * written down when it has happened. It works, until somebody dies. The crash suite has to find that out, or the suite is worth nothing.
 */

type Message = { role: 'user' | 'assistant'; content: { type: string; [field: string]: unknown }[] };
type ToolUse = { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> };

const TOOLS = ['run_databricks_job', 'wait_for_job', 'post_to_slack'].map((name) => ({ name, input_schema: { type: 'object' } }));

const env = (name: string) => process.env[name] ?? '';
const redis = connect(env('REDIS_URL'), PATIENT);
const keys = makeKeys(env('REDIS_PREFIX'));
const log = openLog(redis, keys, openBlobs(redis, keys));

async function work(sid: string): Promise<void> {
  const opening = fold(sid, await log.read(sid));
  if (!opening || opening.ended) return;
  const place = `${keys.queue}:naive:${sid}`;
  const first: Message = { role: 'user', content: [{ type: 'text', text: `<request>\n${opening.opened.prompt}\n</request>` }] };
  const messages = JSON.parse((await redis.get(place)) ?? JSON.stringify([first])) as Message[];
  for (;;) {
    let last = messages.at(-1) as Message;
    if (last.role === 'user') {
      const answer = await ask(messages);
      last = { role: 'assistant', content: answer.content };
      messages.push(last);
      await write(sid, [repliedWith(answer, await seqOf(sid))]);
      await redis.set(place, JSON.stringify(messages));
    }
    const use = last.content.find((b) => b.type === 'tool_use') as ToolUse | undefined;
    if (!use) break;
    const result = await call(sid, use);
    messages.push({ role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: JSON.stringify(result) }] });
    await redis.set(place, JSON.stringify(messages));
  }
  await write(sid, [{ type: 'ended', outcome: 'done', text: '' }]);
}

async function call(sid: string, use: ToolUse): Promise<Record<string, unknown>> {
  if (use.name === 'wait_for_job') return finish(sid, use, { still_running: false, ...(await waitFor(String((use.input['run_ids'] as string[])[0]))) });
  const args =
    use.name === 'run_databricks_job' ? { job_id: '101', parameters: use.input['parameters'] } : { channel: await channelOf(sid), text: use.input['text'] };
  const digest = digestOf(use.name, args);
  const approval = use.name === 'run_databricks_job' ? `${sid}/1` : undefined;
  if (approval && !(await askPeople(sid, use, approval, digest, args))) {
    const data = { status: 'declined' };
    await write(sid, [{ type: 'call_finished', call: use.id, outcome: { status: 'denied', text: 'Declined; nothing was run.', data } }]);
    return data;
  }
  const result = use.name === 'run_databricks_job' ? await runJob(args) : await post(sid, args);
  const key = randomUUID().replaceAll('-', '');
  await write(sid, [
    { type: 'call_started', call: use.id, tool: use.name, key, digest, ...(approval ? { approval } : { rule: 'own thread' }), arguments: args, timeout_ms: 0 },
  ]);
  return finish(sid, use, result);
}

async function finish(sid: string, use: ToolUse, data: Record<string, unknown>): Promise<Record<string, unknown>> {
  const outcome: Outcome = { status: 'ok', text: JSON.stringify(data), data };
  await write(sid, [{ type: 'call_finished', call: use.id, outcome }]);
  return data;
}

/** The job waits as long as the people take. False: they said no. */
async function askPeople(sid: string, use: ToolUse, approval: string, digest: string, args: Record<string, unknown>): Promise<boolean> {
  const preview = { summary: 'Run job 101', facts: [], changes: [] };
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  const waiting = { for: 'approval' as const, approval, digest, arguments: args, preview, expires_at, need: 1 };
  if (!fold(sid, await log.read(sid))?.approvals.has(approval)) await write(sid, [{ type: 'call_parked', call: use.id, waiting }]);
  for (;;) {
    const state = fold(sid, await log.read(sid))?.approvals.get(approval)?.state;
    if (state !== 'pending') return state === 'approved' || state === 'used';
    await sleep(200);
  }
}

async function runJob(args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const answer = await send(`${env('DATABRICKS_HOST')}/api/2.2/jobs/run-now`, env('DATABRICKS_TOKEN'), { job_id: 101, job_parameters: args['parameters'] });
  return { run_id: String(answer['run_id']) };
}

async function waitFor(run: string): Promise<Record<string, unknown>> {
  for (;;) {
    const headers = { authorization: `Bearer ${env('DATABRICKS_TOKEN')}` };
    const state = await (await fetch(`${env('DATABRICKS_HOST')}/api/2.2/jobs/runs/get?run_id=${run}`, { headers })).text();
    if (/"TERMINATED"/.test(state)) return { run_id: run };
    await sleep(300);
  }
}

async function post(sid: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const blocks = [{ type: 'section', text: { type: 'plain_text', text: String(args['text']) } }];
  const metadata = { event_type: 'labmate', event_payload: { session: sid, slot: 'effect:post' } };
  await send(`${env('SLACK_API_URL')}chat.postMessage`, env('SLACK_BOT_TOKEN'), { channel: args['channel'], text: args['text'], blocks, metadata });
  return { posted: true };
}

async function send(url: string, token: string, body: unknown): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=utf-8' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return (await response.json()) as Record<string, unknown>;
}

async function ask(messages: Message[]): Promise<{ content: Message['content']; stop_reason: string }> {
  const headers = { 'x-api-key': env('ANTHROPIC_API_KEY'), 'anthropic-version': '2023-06-01', 'content-type': 'application/json' };
  const body = JSON.stringify({ model: 'claude-sonnet-5-5', max_tokens: 1_000, messages, tools: TOOLS });
  const response = await fetch(`${env('ANTHROPIC_BASE_URL')}/v1/messages`, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`the model answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as { content: Message['content']; stop_reason: string };
}

function repliedWith(answer: { content: Message['content']; stop_reason: string }, saw: number): SessionEvent {
  const calls = answer.content.flatMap((b) => (b.type === 'tool_use' ? [{ id: String(b['id']), tool: String(b['name']), input: b['input'] }] : []));
  const usage = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
  return { type: 'replied', model: 'claude-sonnet-5-5', saw, stop: answer.stop_reason, content: answer.content, calls, usage, request_id: null };
}

const seqOf = async (sid: string) => (await log.tip(sid)).seq;
const channelOf = async (sid: string) => fold(sid, await log.read(sid))?.opened.channel ?? '';

/** Whoever comes may write: there is no lease. */
async function write(sid: string, events: SessionEvent[]): Promise<void> {
  const user = fold(sid, await log.read(sid))?.opened.by ?? '';
  const owner = { sid, team: 'T1', user };
  for (;;) {
    const claimed = await log.claim(owner, 1);
    const answer = claimed && (await log.commit(owner, claimed.fence, await log.tip(sid), events, { is: '' }));
    if (answer?.is === 'OK') return;
    await sleep(5);
  }
}

const queueConnection = connect(env('REDIS_URL'), PATIENT);
for (const connection of [redis, queueConnection]) connection.on('error', () => {});
const worker = new Worker('turns', (job: { data: { sid: string } }) => work(job.data.sid), {
  connection: queueConnection,
  prefix: keys.queue,
  concurrency: 32,
  // Shorter than BullMQ's own 30 s only so that nobody has to wait for the proof.
  lockDuration: 4_000,
  stalledInterval: 2_000,
});
worker.on('error', () => {});
worker.on('failed', (job, error) => process.stderr.write(`${job?.data.sid}: ${error.message}\n`));
createServer((_, response) => response.end('ok')).listen(Number(env('ADMIN_PORT')), '127.0.0.1');
