import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSessions } from '../src/open-sessions.ts';
import { lineHash } from '../src/session/chain.ts';
import { aLog } from './runtime/a-log.ts';

let log: ReturnType<typeof aLog>;
beforeAll(() => {
  log = aLog();
});
afterAll(() => log.close());

test('a session is found by its id and by its short one, with its exact lines, and by its own team only', async () => {
  const stored = await log.open('s-1', 'Does v2 help?');
  const alias = stored.is === 'stored' ? stored.alias! : '';
  const read = openSessions(log.reading);
  const found = await read('T1', 's-1');
  expect(found?.session.opened.prompt).toBe('Does v2 help?');
  expect(found?.lines).toHaveLength(1);
  expect(found?.head).toBe(lineHash(found!.lines[0]!));
  await expect.poll(async () => (await read('T1', alias))?.session.id).toBe('s-1');
  expect(await read('T2', 's-1')).toBeNull();
  expect(await read('T2', alias)).toBeNull();
  expect(await read('T1', 'e-none')).toBeNull();
});
