import { beforeAll, describe, expect, inject, test } from 'vitest';
import { UpstreamError } from '../../src/services/http.ts';
import { mlflow } from '../../src/services/mlflow.ts';

const guarded = inject('mlflow')?.guarded ?? null;

describe.skipIf(!guarded)("MLflow's own login", () => {
  const { url: uri = '', username = '', password = '' } = guarded ?? {};
  const admin = { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`, 'content-type': 'application/json' };
  const reader = { username: 'only-reads', password: 'another long password' };
  let runId = '';
  const failure = async (asked: Promise<unknown>) => {
    const error = await asked.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UpstreamError);
    return error as UpstreamError;
  };
  beforeAll(async () => {
    const post = async (path: string, body: object) => {
      const answer = await fetch(`${uri}/api/2.0/mlflow/${path}`, { method: 'POST', headers: admin, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as { run: { info: { run_id: string } } };
    };
    await post('users/create', reader);
    runId = (await post('runs/create', { experiment_id: '0', run_name: 'guarded' })).run.info.run_id;
  });

  test('lets in who knows the password', async () => {
    const client = mlflow({ uri, username, password });
    expect((await client.listExperiments({})).experiments).toEqual([{ experimentId: '0', name: 'Default' }]);
    await client.setTag(runId, 'seen', 'yes');
    expect((await client.getRun(runId)).tags['seen']).toBe('yes');
  });

  test.each([
    ['nobody', {}],
    ['a wrong password', { username: 'labmate', password: 'wrong' }],
    ['a token, which this server does not know', { token: 'abc' }],
  ])('refuses %s, and the sentence says what is wrong', async (_, login) => {
    const error = await failure(mlflow({ uri, ...login } as Parameters<typeof mlflow>[0]).getRun(runId));
    expect(error).toMatchObject({
      status: 401,
      transient: false,
      message: expect.stringMatching(/^MLflow does not accept the bot's credentials \(401\): You are not authenticated/),
    });
  });

  test('refuses a write to who may only read, for good', async () => {
    const client = mlflow({ uri, ...reader });
    expect((await client.getRun(runId)).runId).toBe(runId);
    const error = await failure(client.setTag(runId, 'mine', 'no'));
    expect(error).toMatchObject({ status: 403, transient: false, message: expect.stringContaining('Permission denied') });
  });
});
