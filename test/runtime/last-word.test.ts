import { afterAll, expect, test } from 'vitest';
import { advance, type Perform } from '../../src/runtime/advance.ts';
import { LIMITS, replied } from '../session/logs.ts';
import { aLog } from './a-log.ts';

const it = aLog();
afterAll(() => it.close());

/** Advances a session, and says what was written together. */
async function written(sid: string, perform: Perform): Promise<string[][]> {
  const commits: string[][] = [];
  const log: typeof it.log = {
    ...it.log,
    async commit(owner, fence, tip, events, guard) {
      const committed = await it.log.commit(owner, fence, tip, events, guard);
      if (committed.is === 'OK') commits.push(events.map((e) => e.type));
      return committed;
    },
  };
  await advance(sid, { log, perform, limits: LIMITS, executionExpiresMs: 1_000, expire: async () => {}, rested: async () => {} });
  return commits;
}

test('a last answer and the end it leads to are one write', async () => {
  await it.open('last');
  expect(await written('last', async (_step, turn) => [replied(turn.session.seq)])).toEqual([['replied', 'ended']]);
});

test('what is said while the model gives its last answer is heard before the end', async () => {
  await it.open('heard');
  let asked = 0;
  const commits = await written('heard', async (_step, turn) => {
    asked += 1;
    const answer = replied(turn.session.seq);
    if (asked === 1) await it.deliver('word', { do: 'tell', session: 'heard', by: 'U1', text: 'And v3?', ts: null, kind: 'message', standing: 'requester' });
    return [answer];
  });
  expect(commits).toEqual([['replied'], ['replied', 'ended']]);
  expect((await it.log.read('heard')).map((e) => e.event.type)).toEqual(['opened', 'told', 'replied', 'replied', 'ended']);
});
