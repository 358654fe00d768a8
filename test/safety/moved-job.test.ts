import { expect, test } from 'vitest';
import { z } from 'zod';
import { readConfig } from '../../src/config.ts';
import { digestOf } from '../../src/policy/digest.ts';
import type { Touches } from '../../src/policy/touches.ts';
import { sandboxConfig } from '../../src/sandbox/sandbox-config.ts';
import { done, type SessionFacts, writeTool } from '../../src/tools/define-tool.ts';
import { type CallScope, gate } from '../../src/tools/gate.ts';

/** Between card and call somebody moves the job: the yes was for what it was. */
const dev: NonNullable<Touches['job']> = { id: '101', name: 'ads-train', tags: { env: 'dev' }, runAs: 'sp-dev', parameters: {}, declared: [] };

test.each<[string, NonNullable<Touches['job']>, 'refused' | 'confirm' | 'answer']>([
  ['gets a tag of prod', { ...dev, tags: { env: 'prod' } }, 'refused'],
  ['runs as a principal of prod', { ...dev, runAs: 'sp-prod-ads' }, 'refused'],
  ['has a parameter that points to prod', { ...dev, parameters: { catalog: 'PROD_main' }, declared: ['catalog'] }, 'refused'],
  ['has a task that is pointed to prod', { ...dev, ofTasks: [{ name: 'catalog', value: 'prod_main' }] }, 'refused'],
  ['moves to another environment where it may act', { ...dev, tags: { env: 'lab' }, name: 'lab-train', id: '707' }, 'confirm'],
  ['is given another default', { ...dev, parameters: { lr: '9' }, declared: ['lr'] }, 'confirm'],
  ['stays what it was', dev, 'answer'],
])('an approved run of a job that %s is judged by what it is at the call', async (_, now, is) => {
  const read = readConfig(
    { SLACK_BOT_TOKEN: 'xoxb-x', SLACK_APP_TOKEN: 'xapp-x', ANTHROPIC_API_KEY: 'k', REDIS_URL: 'redis://127.0.0.1:1' },
    JSON.stringify({
      ...sandboxConfig(),
      environments: { ...(sandboxConfig()['environments'] as object), lab: { jobs: ['lab-*'], tags: { env: 'lab' } } },
      actIn: ['dev', 'lab'],
      approvers: { default: { users: ['U2'] } },
    }),
  );
  if (!read.ok) throw new Error(read.faults.join('\n'));
  let job: NonNullable<Touches['job']> = dev;
  let ran = 0;
  const tool = writeTool({
    name: 'run_databricks_job',
    title: 'Run',
    description: 'Runs.',
    input: z.strictObject({}),
    output: z.looseObject({}),
    needs: [],
    destructive: true,
    idempotent: false,
    recovery: 'same-key',
    timeoutMs: 1_000,
    plan: async () => ({
      kind: 'plan',
      arguments: { job_id: '101' },
      touches: { job },
      preview: { summary: 'Run it', facts: [], changes: [], target: JSON.stringify(job.parameters) },
    }),
    run: async () => {
      ran += 1;
      return done('Ran.', {});
    },
  });
  const scope = (approved?: CallScope['approved']): CallScope => ({
    facts: { id: 's1', call: 'c1' } as SessionFacts,
    standing: { tainted: true, postsOutside: 0 },
    ...(approved ? { approved } : {}),
    signal: new AbortController().signal,
    mayAct: async () => true,
    claim: async () => 'go',
    stillEntitled: async () => ({ ok: true }),
  });
  const { permissions, settings } = read.config;
  const deps = { services: {}, settings, permissions, now: Date.now };
  const asked = await gate(tool, {}, scope(), deps);
  if (asked.is !== 'confirm') throw new Error(asked.is);
  job = now;
  const digest = digestOf('run_databricks_job', { job_id: '101' });
  expect(await gate(tool, {}, scope({ id: 's1/1', digest, by: ['U2'], preview: asked.confirmation.preview }), deps)).toMatchObject({ is });
  expect(ran).toBe(is === 'answer' ? 1 : 0);
});
