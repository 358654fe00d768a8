import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Permissions } from '../../src/policy/rules.ts';
import { startDatabricks } from '../../src/sandbox/databricks.ts';
import { startGithub } from '../../src/sandbox/github.ts';
import { startGrafana } from '../../src/sandbox/grafana.ts';
import { openTraining } from '../../src/sandbox/launches.ts';
import { startMlflow } from '../../src/sandbox/mlflow.ts';
import { startSlackStandIn } from '../../src/sandbox/slack/slack-stand-in.ts';
import { databricks } from '../../src/services/databricks.ts';
import { github } from '../../src/services/github.ts';
import { grafana } from '../../src/services/grafana.ts';
import { mlflow } from '../../src/services/mlflow.ts';
import { slackService } from '../../src/services/slack.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { catalog } from '../../src/tools/catalog.ts';
import type { Services, SessionFacts, StoredSession, ToolSettings } from '../../src/tools/define-tool.ts';
import type { AtDoor } from '../../src/tools/door.ts';
import { type CallScope, gate } from '../../src/tools/gate.ts';
import { CALL, toolServer } from '../../src/tools/server.ts';
import { asks, entriesOf, opened, recordOf, replied, sessionOf } from '../session/logs.ts';

/** Every backend's stand-in at once, and every tool behind a real MCP client. */

/** An experiment that waits for a yes. */
const events = [opened('Does feature_set v2 help?'), replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1')];
export const storedSession = storedOf(events);

export function storedOf(events: readonly SessionEvent[]): StoredSession {
  const entries = entriesOf(events);
  return { session: sessionOf(events), lines: entries.map((e) => e.line), head: entries.at(-1)!.hash, thread: null };
}

export const facts: SessionFacts = {
  id: 's1',
  alias: 'e-test',
  team: 'T1',
  channel: 'C0ML',
  thread: null,
  requester: 'U1',
  prompt: 'Does feature_set v2 help?',
  call: 'c9',
  runs: [],
  woken: [],
  approvedBy: ['U2'],
  record: recordOf(events),
  postsOutside: 0,
  links: () => new Map(),
};

export const settings: ToolSettings = {
  defaults: { job: '101', experiment: 'ads-rank-v3', repository: 'acme/ads', base: 'main' },
  metrics: { val_f1: 'max', val_loss: 'min' },
  thresholdReading: 'relative',
  recordsPath: 'experiments',
  environments: { dev: { jobs: ['101'] } },
  actIn: ['dev'],
};

export const permissions: Permissions = {
  approvers: { default: { users: ['U2'], groups: [], quorum: 1, requesterMayApprove: false, expiresAfterMs: 60_000, channel: null } },
  executionExpiresAfterMs: 900_000,
  environments: settings.environments,
  actIn: ['dev'],
  allow: { experiments: ['*'], dashboards: ['*'], channels: ['C0ML'], branches: ['*'], paths: ['*'] },
  repositories: ['acme/ads'],
  policy: { default: 'ask', rules: [] },
};

export async function allBackends() {
  let clock = Date.UTC(2026, 10, 1);
  const training = openTraining({ clock: () => clock, durationMs: 6000 });
  const [jobs, tracking, hub, dashboards, workspace] = await Promise.all([
    startDatabricks({ training }),
    startMlflow({ training }),
    startGithub(),
    startGrafana(),
    startSlackStandIn({ mode: 'http', signingSecret: 's', botToken: 'xoxb-sandbox', appToken: 'xapp-1' }),
  ]);
  const services: Services = {
    databricks: databricks({ host: jobs.url, token: 't' }),
    mlflow: mlflow({ uri: tracking.url }),
    github: github({ token: 't', baseUrl: hub.url }),
    grafana: grafana({ url: dashboards.url, token: 't' }),
    slack: slackService({ token: 'xoxb-sandbox', apiUrl: workspace.url }),
    sessions: async (team, id) => (team === 'T1' && ['s1', 'e-test'].includes(id) ? storedSession : null),
  };
  const open: (() => Promise<void>)[] = [jobs, tracking, hub, dashboards, workspace].map((part) => () => part.close());

  /** A client of the whole catalog. `auto`: a rule lets every call run; otherwise writes ask. */
  async function connect(options: { auto?: boolean; facts?: Partial<SessionFacts>; settings?: Partial<ToolSettings>; session?: false } = {}) {
    const scope: CallScope = {
      facts: { ...facts, ...options.facts },
      standing: { tainted: false, postsOutside: 0 },
      signal: new AbortController().signal,
      mayAct: async () => true,
      claim: async () => 'go',
      stillEntitled: async () => ({ ok: true }),
    };
    const rules = options.auto ? [{ tool: '*', action: 'auto' as const }] : [];
    const deps = {
      services,
      settings: { ...settings, ...options.settings },
      permissions: { ...permissions, policy: { default: 'ask' as const, rules } },
      now: () => clock,
    };
    const server = toolServer(catalog, deps, () => (options.session === false ? null : scope));
    const client = new Client({ name: 'test', version: '1' });
    const [here, there] = InMemoryTransport.createLinkedPair();
    await Promise.all([server.connect(there), client.connect(here)]);
    open.push(() => client.close());
    const { tools } = await client.listTools();
    const call = async (name: string, input: Record<string, unknown>) => {
      const answer = (await client.callTool({ name, arguments: input, _meta: { [CALL]: 'r' } })) as CallToolResult;
      const text = answer.content.flatMap((c) => (c.type === 'text' ? [c.text] : [])).join('\n');
      // biome-ignore lint/suspicious/noExplicitAny: answers are read by their paths, and each path is then held to a value.
      return { text, data: (answer.structuredContent ?? {}) as Record<string, any>, failed: answer.isError === true, content: answer.content };
    };
    return { tools, call };
  }

  /** A door that no session stands behind. */
  const atDoor: AtDoor = ({ tool, input }) => gate(tool, input, null, { services, settings, permissions, now: () => clock });

  return {
    atDoor,
    training,
    jobs,
    tracking,
    hub,
    dashboards,
    workspace,
    services,
    connect,
    seeded: (name: string) => tracking.runs().find((run) => run.name === name)!.runId,
    /** A run of job 101 that has ended. */
    trained(parameters: Record<string, string> = {}) {
      const { launch } = training.launch({ jobId: '101', parameters, token: null });
      clock += 10_000;
      return launch.runId;
    },
    close: async () => {
      for (const close of open.reverse()) await close();
    },
  };
}
