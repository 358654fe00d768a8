import { fork } from 'node:child_process';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'labmate.mjs');

test('a step whose worker died while it was being loaded ends by itself', async () => {
  const env = {
    PATH: process.env['PATH'],
    REDIS_URL: inject('redisUrl'),
    REDIS_PREFIX: 'orphan',
    ANTHROPIC_API_KEY: 'sk',
    SLACK_BOT_TOKEN: 'xoxb-1',
    SLACK_APP_TOKEN: 'xapp-1',
  };
  const child = fork(ENTRY, ['step', 'nobody'], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env });
  let said = '';
  child.stderr?.on('data', (bytes) => {
    said += String(bytes);
  });
  child.disconnect();
  const code = await new Promise((resolve) => child.once('exit', resolve));
  expect(said).toBe('');
  expect(code).toBe(1);
}, 30_000);
