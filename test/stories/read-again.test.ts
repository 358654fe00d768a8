import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sandboxConfig } from '../../src/sandbox/sandbox-config.ts';
import { SEED, seedScript } from './seed.ts';
import { openStage, type StoryStage } from './stage.ts';

/** Tells processes to read the configuration again, and waits until each has said what came of it. */
async function readAgain(stage: StoryStage, words: string, roles: readonly ('gateway' | 'worker')[] = ['gateway', 'worker']): Promise<void> {
  const said = async (role: 'gateway' | 'worker') => (await readFile(join(stage.dir, `${role}.log`), 'utf8')).split(words).length;
  const before = { gateway: await said('gateway'), worker: await said('worker') };
  for (const role of roles) process.kill(await stage.product.pid(role), 'SIGHUP');
  for (const role of roles) await stage.until(`the ${role} to say "${words}"`, async () => (await said(role)) > before[role]);
}

async function readiness(stage: StoryStage) {
  const answer = await fetch(`${stage.product.admin('gateway')}/readyz`);
  return { status: answer.status, body: await answer.json() };
}

test.each(['socket', 'http'] as const)(
  'over %s: new approvers count from the next click on; a file with mistakes, or a port that is taken, changes nothing',
  async (mode) => {
    const stage = await openStage({ mode, scripts: [seedScript().script] });
    try {
      const pids = [await stage.product.pid('gateway'), await stage.product.pid('worker')];
      const file = join(stage.dir, 'labmate.json');
      await stage.command(SEED);
      const runCard = await stage.card();

      await writeFile(file, '{ "channels": ["C0ML"], "approvers": { "default": { "quorum": "two" } } }');
      await readAgain(stage, 'the configuration has mistakes and was not taken over');
      await expect.poll(() => readiness(stage)).toEqual({ status: 200, body: { ready: true, reasons: [], warnings: [expect.stringMatching(/^config: /)] } });

      const neighbour = createServer().listen(0, '127.0.0.1');
      await once(neighbour, 'listening');
      await writeFile(file, JSON.stringify(sandboxConfig()));
      const variables = join(stage.dir, '.env');
      await writeFile(variables, `MCP_HTTP_PORT=${(neighbour.address() as AddressInfo).port}\n`);
      await readAgain(stage, mode === 'http' ? 'the configuration of before is in use again' : 'what ran goes on', ['gateway']);
      await rm(variables);
      neighbour.close();

      const { default: rule } = sandboxConfig()['approvers'] as { default: Record<string, unknown> };
      await writeFile(file, JSON.stringify({ ...sandboxConfig(), approvers: { default: { ...rule, groups: [], users: ['U3'] } } }));
      await readAgain(stage, 'the configuration was read again');
      await expect.poll(() => readiness(stage)).toEqual({ status: 200, body: { ready: true, reasons: [] } });
      // A person who is told to repeat it does so.
      await stage.until('the click to be refused', async () => {
        await stage.click('U2', runCard, 'approve_call');
        await sleep(500);
        return ((await stage.session())?.refusedDecisions.length ?? 0) > 0;
      });
      expect(stage.launches()).toHaveLength(0);

      await stage.click('U3', runCard, 'approve_call');
      const pullCard = await stage.until('the pull request card', () =>
        stage.messages().findLast((m) => stage.button(m, 'approve_call') && m.ts !== runCard.ts),
      );
      await stage.click('U3', pullCard, 'approve_call');
      expect((await stage.ended()).ended?.outcome).toBe('done');
      expect(stage.launches()).toHaveLength(1);
      // The processes are the same ones; nobody started them again.
      expect([await stage.product.pid('gateway'), await stage.product.pid('worker')]).toEqual(pids);
      stage.model.check();
    } finally {
      await stage.close();
    }
  },
);
