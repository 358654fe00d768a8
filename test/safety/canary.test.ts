import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer, Reply } from '../../src/sandbox/claude/messages-types.ts';
import { openStage, type StoryStage } from '../stories/stage.ts';
import { leaked, leakyProxy, spoilt } from './leaky-proxy.ts';

const token = (prefix: string) => `${prefix}${randomBytes(15).toString('base64url')}`;
/** Every credential the product is given, each its own. */
const SECRETS = {
  SLACK_BOT_TOKEN: token('xoxb-canary-'),
  ANTHROPIC_API_KEY: token('sk-canary-'),
  DATABRICKS_TOKEN: token('canary-databricks-'),
  MLFLOW_TRACKING_TOKEN: token('canary-mlflow-'),
  GITHUB_TOKEN: token('canary-github-'),
  GRAFANA_SERVICE_ACCOUNT_TOKEN: token('canary-grafana-'),
};
/** Somebody else's, that only its shape gives away. */
const FOREIGN = `ghp_${randomBytes(18).toString('hex')}`;
const ALL = [...Object.values(SECRETS), FOREIGN];
const LEAK = leaked(ALL);
const SPOILT = new Set(['description', 'state_message', 'message', 'title', 'legendFormat', 'error_message', 'creator_user_name', 'error', 'notes']);

const reply = (text: string, ...calls: { tool: string; input: Record<string, unknown> }[]): Reply => ({
  content: [
    { type: 'text', text },
    ...calls.map((c, i) => ({ type: 'tool_use' as const, id: `call_${text.slice(0, 6).replaceAll(' ', '_')}_${i}`, name: c.tool, input: c.input })),
  ],
});

let leaks = 0;
/** A model that reads everything, runs, opens a pull request, and on the way says a secret aloud, once. */
const answer: Answer = (request) => {
  const turn = request.messages.filter((m) => m.role === 'assistant').length;
  if (turn === 0) {
    return reply(
      'First I look around.',
      { tool: 'list_databricks_jobs', input: {} },
      { tool: 'find_best_run', input: { experiment: 'ads-rank-v3', metric: 'val_f1' } },
      { tool: 'fetch_mlflow_run', input: { run_id: 'f'.repeat(32) } },
      { tool: 'get_github_file', input: { path: 'README.md' } },
      { tool: 'get_github_file', input: { path: 'nothing-here.md' } },
      { tool: 'get_job_status', input: { run_id: '1' } },
      { tool: 'get_grafana_panel', input: { dashboard_uid: 'none', panel_id: 1 } },
    );
  }
  if (turn === 1) return reply('Then I run it.', { tool: 'run_databricks_job', input: { job_id: '101', parameters: { feature_set: 'v2' } } });
  if (turn === 2) {
    leaks += 1;
    return leaks === 1
      ? reply(`The key is ${SECRETS.DATABRICKS_TOKEN}`, { tool: 'post_to_slack', input: { text: Buffer.from(`k=${SECRETS.GITHUB_TOKEN}`).toString('base64') } })
      : reply('Now the pull request.', { tool: 'create_github_pr', input: { title: 'feat: v2', body: 'It improved.' } });
  }
  return reply('All done.');
};

describe('a canary for every credential', () => {
  let stage: StoryStage;
  const proxies: { close(): Promise<void> }[] = [];
  beforeAll(async () => {
    stage = await openStage({
      mode: 'http',
      scripts: [],
      answer,
      config: { approvers: { default: { users: ['U2'] } } },
      async between(variables) {
        const through = { ...variables };
        const pass = async (url: string, name: keyof typeof SECRETS, spoil: (path: string, body: unknown, status: number) => unknown) => {
          const target = variables[url] ?? '';
          const proxy = await leakyProxy(target, SECRETS[name], variables[name] ?? '', spoil);
          proxies.push(proxy);
          through[url] = `${proxy.url}${new URL(target).pathname.replace(/\/$/, '')}${target.endsWith('/') ? '/' : ''}`;
          through[name] = SECRETS[name];
        };
        const spoil = (_: string, body: unknown) => spoilt(body, LEAK, SPOILT);
        await pass('SLACK_API_URL', 'SLACK_BOT_TOKEN', (_path, body) => body);
        await pass('ANTHROPIC_BASE_URL', 'ANTHROPIC_API_KEY', spoil);
        await pass('DATABRICKS_HOST', 'DATABRICKS_TOKEN', spoil);
        await pass('MLFLOW_TRACKING_URI', 'MLFLOW_TRACKING_TOKEN', (path, body) => withTag(spoil(path, body)));
        await pass('GITHUB_API_URL', 'GITHUB_TOKEN', (path, body) => withContent(path, spoil(path, body)));
        await pass('GRAFANA_URL', 'GRAFANA_SERVICE_ACCOUNT_TOKEN', spoil);
        return { ...through, LOG_LEVEL: 'trace' };
      },
    });
  });
  afterAll(async () => {
    await stage?.close();
    await Promise.all(proxies.map((p) => p.close()));
  });

  test('is found nowhere, though backends, prompts, errors and the model repeat them in every form', async () => {
    await stage.command(`Run it. Our key is ${SECRETS.DATABRICKS_TOKEN}, in hex ${Buffer.from(SECRETS.GITHUB_TOKEN).toString('hex')}, and mine ${FOREIGN}`);
    const first = await stage.card();
    await stage.click('U2', first, 'approve_call');
    const second = await stage.until('the pull request card', () => stage.messages().findLast((m) => stage.button(m, 'approve_call') && m.ts !== first.ts));
    await stage.click('U2', second, 'approve_call');
    const session = await stage.ended();
    // The proxies really leaked, the reply with a secret was really dropped, and the person was told.
    expect(JSON.stringify([...session.calls.values()])).toContain('[secret removed]');
    expect(session.notes.map((n) => n.about)).toContain('secret');
    expect(leaks).toBe(2);
    expect([...session.calls.values()].map((c) => c.tool)).not.toContain('post_to_slack');
    await stage.shows(/rotate the credential/);
    await stage.shows(session.head);

    const places: Record<string, string> = {
      'Slack: what the product posted': JSON.stringify([
        stage.messages().filter((m) => m.bot),
        stage.slack.world.data.files.map((f) => Buffer.from(f.base64, 'base64').toString()),
      ]),
      'the model: every request': JSON.stringify(stage.claude.requests.map((r) => r.request)),
      'the record': ((await stage.reading.lines(session.id))?.lines ?? []).join('\n'),
      Redis: await dump(stage.redis, stage.keys.log('x').split(/[{}]/)[1] ?? ''),
      'job parameters': JSON.stringify(stage.launches()),
    };
    for (const file of await readdir(stage.dir)) {
      if (/\.(log|json|jsonl)$/.test(file) && file !== 'labmate.json') places[file] = await readFile(join(stage.dir, file), 'utf8');
    }
    expect(Object.keys(places)).toEqual(expect.arrayContaining(['gateway.log', 'worker.log', 'github.json', 'training.json']));
    expect(places['Redis']).toContain('[secret removed]');
    expect(places['github.json']).toContain('record.jsonl');
    const found = Object.entries(places).flatMap(([place, text]) =>
      ALL.flatMap((secret, i) => (holds(text, secret) ? [`${place} holds ${[...Object.keys(SECRETS), 'FOREIGN'][i]}`] : [])),
    );
    expect(found).toEqual([]);
  });
});

/** Looked for by other means than the product's: in every decoding of the text, not in every encoding of the secret. */
function holds(text: string, secret: string): boolean {
  // What nobody told us of is known by its shape alone, and an encoding has another one.
  if (secret === FOREIGN) return text.includes(FOREIGN);
  const heart = secret.slice(-14);
  const readings = [text, safely(() => decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, '')))];
  for (const [word] of text.matchAll(/[0-9a-fA-F]{28,}/g))
    readings.push(Buffer.from(word.slice(word.length % 2), 'hex').toString('latin1'), Buffer.from(word, 'hex').toString('latin1'));
  for (const [word] of text.matchAll(/[A-Za-z0-9+/_-]{20,}/g))
    for (let skip = 0; skip < 4; skip++) readings.push(Buffer.from(word.slice(skip), 'base64').toString('latin1'));
  return readings.some((reading) => reading.includes(heart));
}

function safely(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** Everything under the product's prefix, blobs unpacked. */
async function dump(redis: Redis, prefix: string): Promise<string> {
  const parts: string[] = [];
  let cursor = '0';
  do {
    const [at, keys] = await redis.scan(cursor, 'MATCH', `*${prefix}*`, 'COUNT', 1_000);
    cursor = at;
    for (const key of keys) {
      const type = await redis.type(key);
      parts.push(key);
      if (type === 'string') {
        const raw = await redis.getBuffer(key);
        parts.push(
          raw?.toString('latin1') ?? '',
          safely(() => brotliDecompressSync(raw ?? Buffer.alloc(0)).toString()),
        );
      } else if (type === 'hash') parts.push(JSON.stringify(await redis.hgetall(key)));
      else if (type === 'stream') parts.push(JSON.stringify(await redis.xrange(key, '-', '+')));
      else if (type === 'zset') parts.push((await redis.zrange(key, '0', '-1')).join(' '));
      else if (type === 'set') parts.push((await redis.smembers(key)).join(' '));
      else if (type === 'list') parts.push((await redis.lrange(key, 0, -1)).join(' '));
    }
  } while (cursor !== '0');
  return parts.join('\n');
}

function withTag(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(withTag);
  if (body === null || typeof body !== 'object') return body;
  const entries = Object.entries(body).map(([k, v]) => (k === 'tags' && Array.isArray(v) ? [k, [...v, { key: 'note', value: LEAK }]] : [k, withTag(v)]));
  return Object.fromEntries(entries);
}

function withContent(path: string, body: unknown): unknown {
  if (!path.includes('/contents/') || body === null || typeof body !== 'object' || !('content' in body)) return body;
  return { ...body, content: Buffer.from(`# Notes\n${LEAK}`).toString('base64'), encoding: 'base64' };
}
