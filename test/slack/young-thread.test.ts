import { afterAll, beforeAll, expect, test } from 'vitest';
import { aDesk } from './a-desk.ts';

let it: Awaited<ReturnType<typeof aDesk>>;
beforeAll(async () => {
  it = await aDesk('socket', { standIn: { times: { ackMs: 3_000, retryAfterMs: [0, 300, 300] } } });
});
afterAll(async () => it.close());

test('a reply that is quicker than the note of where the root stands is sent again, and not lost', async () => {
  await it.log.open('young');
  const session = await it.log.reading.session('young');
  expect(session).not.toBeNull();
  // The root is in the channel, and whoever posted it has not written down where.
  const { ts } = await it.slack.post({ channel: 'C0ML', text: 'The root', mark: { session: 'young', slot: 'root' } });
  const said = await it.workspace.act({ as: 'U1', do: 'say', text: 'One more thing', channel: 'C0ML', thread: ts });
  expect(said.ok).toBe(true);
  await new Promise((r) => setTimeout(r, 100));
  await it.log.redis.set(it.log.keys.thread('T1', 'C0ML', ts), 'young');
  await expect.poll(async () => (await it.log.reading.session('young'))?.told.map((t) => t.text), { timeout: 5_000 }).toEqual(['One more thing']);
});
