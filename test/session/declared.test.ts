import { expect, test } from 'vitest';
import { declaredBy } from '../../src/session/declared.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { opened, replied, sessionOf } from './logs.ts';

const said = (call: string, data: Record<string, unknown>): SessionEvent => ({ type: 'call_finished', call, outcome: { status: 'ok', text: '', data } });
const run = (id: string, job: string) => ({ id, tool: 'run_databricks_job', input: { job_id: job } });

test.each<[string, SessionEvent[], ReturnType<typeof declaredBy>]>([
  ['by the run itself', [replied(1, [run('c1', '101')]), said('c1', { run_id: '1', declared: ['lr'] })], [{ job: '101', parameters: ['lr'] }]],
  [
    'by the list that was read before',
    [
      replied(1, [{ id: 'c1', tool: 'list_databricks_jobs' }]),
      said('c1', { jobs: [{ job_id: '101', parameters: { lr: '1' } }] }),
      replied(3, [run('c2', '101')]),
    ],
    [{ job: '101', parameters: ['lr'] }],
  ],
  ['not where one of two jobs is unknown', [replied(1, [run('c1', '101'), run('c2', '102')]), said('c1', { declared: ['lr'] }), said('c2', {})], null],
  ['not where a job shows no parameter at all', [replied(1, [run('c1', '101')]), said('c1', { declared: [] })], null],
  ['not where nothing was run', [replied(1)], null],
])('what a job declares is known %s', (_, events, declared) => {
  expect(declaredBy(sessionOf([opened(), ...events]))).toEqual(declared);
});
