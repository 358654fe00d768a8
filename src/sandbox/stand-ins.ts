import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { STAND_IN_MODEL } from './claude/messages-api.ts';
import type { Fault, Traffic } from './control-types.ts';
import { startDatabricks } from './databricks.ts';
import { startGithub } from './github.ts';
import { seededRepos } from './github-repos.ts';
import { startGrafana } from './grafana.ts';
import { openTraining, type Training } from './launches.ts';
import { startMlflow } from './mlflow.ts';
import { TOKENS } from './sandbox-config.ts';
import { type SlackStandIn, startSlackStandIn } from './slack/slack-stand-in.ts';
import type { Held, StandIn } from './stand-in.ts';

export type ServiceName = Traffic['with'];

export type StandInsOptions = {
  mode: 'socket' | 'http';
  /** HTTP mode: where the gateway listens for Slack. */
  eventsUrl: string;
  /** Services that are real: no stand-in is started for them. */
  real: readonly ServiceName[];
  /** Where runs, messages and repositories survive a restart. */
  dir: string;
  trainingSeconds: number;
  /** The time of this world; the machine's where it is left out. */
  now?: (() => number) | undefined;
  /** Ports of the last time, so that the links in old messages still open. */
  ports: Partial<Record<ServiceName, number>>;
  onTraffic(from: ServiceName, seen: Omit<Traffic, 'n' | 'at' | 'with'>): void;
  /** Starts the model's stand-in. */
  startClaude(options: { port: number | undefined; key: string; onTraffic: (seen: Omit<Traffic, 'n' | 'at' | 'with'>) => void }): Promise<Part>;
};

/** What every stand-in has in common. */
export type Part = {
  url: string;
  fault(fault: never): void;
  hold(match: { method?: string; path: string; when?: 'before' | 'after' }): Held;
  close(): Promise<void>;
};

export type StandIns = {
  slack: SlackStandIn | null;
  training: Training;
  /** The variables that point the product at them, and nothing more. */
  variables: Record<string, string>;
  ports: Partial<Record<ServiceName, number>>;
  simulated: ServiceName[];
  fault(fault: Fault | null): void;
  /** Holds the next request to a service, so that somebody can be killed exactly there. */
  hold(name: ServiceName, match: Parameters<StandIn['hold']>[0]): Held;
  /** Back to the seed: no message, no run, no pull request, no fault. */
  reset(): void;
  close(): Promise<void>;
};

/** Starts a stand-in for every service that is not real, each on a loopback port of its own. */
export async function startStandIns(options: StandInsOptions): Promise<StandIns> {
  const { real, dir } = options;
  const training = openTraining({ folder: dir, durationMs: options.trainingSeconds * 1000, clock: options.now });
  const parts = new Map<ServiceName, Part>();
  const variables: Record<string, string> = {};
  const seeded: (() => void)[] = [training.reset];
  let slack: SlackStandIn | null = null;

  async function begin(name: ServiceName, start: (port: number | undefined) => Promise<Part>, vars: (url: string) => Record<string, string>): Promise<void> {
    if (real.includes(name)) return;
    const part = await start(options.ports[name]).catch(() => start(undefined));
    parts.set(name, part);
    Object.assign(variables, vars(part.url));
  }
  const traffic = (name: ServiceName) => (seen: Omit<Traffic, 'n' | 'at' | 'with'>) => options.onTraffic(name, seen);

  await begin(
    'slack',
    async (port) => {
      const { mode, eventsUrl } = options;
      const secrets = { botToken: TOKENS.bot, appToken: TOKENS.app, signingSecret: TOKENS.signing };
      slack = await startSlackStandIn({ mode, eventsUrl, ...secrets, dataDir: dir, port, now: options.now, onTraffic: traffic('slack') });
      seeded.push(slack.reset);
      return slack;
    },
    (url) => ({
      SLACK_API_URL: url,
      SLACK_BOT_TOKEN: TOKENS.bot,
      ...(options.mode === 'socket' ? { SLACK_APP_TOKEN: TOKENS.app } : { SLACK_SIGNING_SECRET: TOKENS.signing }),
    }),
  );
  await begin(
    'claude',
    (port) => options.startClaude({ port, key: TOKENS.claude, onTraffic: traffic('claude') }),
    (url) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: TOKENS.claude, ANTHROPIC_MODEL: STAND_IN_MODEL }),
  );
  await begin(
    'databricks',
    (port) => startDatabricks({ training, port, token: TOKENS.databricks, mlflowUrl: () => parts.get('mlflow')?.url ?? '', onTraffic: traffic('databricks') }),
    (url) => ({ DATABRICKS_HOST: url, DATABRICKS_TOKEN: TOKENS.databricks }),
  );
  await begin(
    'mlflow',
    (port) => startMlflow({ training, port, token: TOKENS.mlflow, onTraffic: traffic('mlflow') }),
    (url) => ({ MLFLOW_TRACKING_URI: url, MLFLOW_TRACKING_TOKEN: TOKENS.mlflow }),
  );
  await begin(
    'github',
    async (port) => {
      const github = await startGithub({ port, token: TOKENS.github, dataFolder: dir, onTraffic: traffic('github') });
      seeded.push(() => {
        for (const name of Object.keys(github.repos)) delete github.repos[name];
        Object.assign(github.repos, seededRepos());
        rmSync(join(dir, 'github.json'), { force: true });
      });
      return github;
    },
    (url) => ({ GITHUB_API_URL: url, GITHUB_TOKEN: TOKENS.github }),
  );
  await begin(
    'grafana',
    (port) => startGrafana({ port, token: TOKENS.grafana, onTraffic: traffic('grafana') }),
    (url) => ({ GRAFANA_URL: url, GRAFANA_SERVICE_ACCOUNT_TOKEN: TOKENS.grafana }),
  );

  return {
    slack,
    training,
    variables,
    ports: Object.fromEntries([...parts].map(([name, part]) => [name, Number(new URL(part.url).port)])),
    simulated: [...parts.keys()],
    fault(fault) {
      if (fault === null) for (const part of parts.values()) part.fault(null as never);
      else parts.get(fault.target)?.fault(fault as never);
    },
    hold(name, match) {
      const part = parts.get(name);
      if (!part) throw new Error(`there is no stand-in for ${name}`);
      return part.hold(match);
    },
    reset() {
      for (const part of parts.values()) part.fault(null as never);
      for (const forget of seeded) forget();
    },
    close: async () => void (await Promise.all([...parts.values()].map((part) => part.close()))),
  };
}
