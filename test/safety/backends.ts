import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.ts';
import { openServices } from '../../src/open-services.ts';
import type { Traffic } from '../../src/sandbox/control-types.ts';
import { sandboxConfig } from '../../src/sandbox/sandbox-config.ts';
import { startStandIns } from '../../src/sandbox/stand-ins.ts';

/** One request that changed something at a backend. */
export type Change = { with: Traffic['with']; what: string; body: unknown };

/** POSTs that only read. */
const READS = /\/(search|query)$|\/(users|conversations|usergroups|auth|chat\.getPermalink)/;

/** The real services, pointed at stand-ins in this process that write down every request that changes something. U2 and U3 may approve. */
export async function openBackends() {
  const dir = await mkdtemp(join(tmpdir(), 'labmate-safety-'));
  const changes: Change[] = [];
  const standIns = await startStandIns({
    mode: 'socket',
    eventsUrl: '',
    real: ['claude'],
    dir,
    trainingSeconds: 1_000,
    ports: {},
    onTraffic(from, { direction, what, body, status }) {
      if (direction !== 'in' || /^(GET|HEAD) /.test(what) || READS.test(what.split('?')[0] ?? '')) return;
      if (status === undefined || status < 400) changes.push({ with: from, what, body });
    },
    startClaude: () => Promise.reject(new Error('there is no model here')),
  });
  const variables = { ...standIns.variables, REDIS_URL: 'redis://127.0.0.1:1', ANTHROPIC_API_KEY: 'sk-ant-none' };
  const file = { ...sandboxConfig(), approvers: { default: { users: ['U2', 'U3'] } } };
  const read = readConfig(variables, JSON.stringify(file));
  if (!read.ok) throw new Error(read.faults.join('\n'));
  return {
    config: read.config,
    services: openServices(read.config),
    changes,
    slack: standIns.slack!,
    training: standIns.training,
    async close() {
      await standIns.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export type Backends = Awaited<ReturnType<typeof openBackends>>;
