import { z } from 'zod';
import { openEditing } from './agent/reconsider-call.ts';
import type { Config } from './config.ts';
import { databricksHook, hookOf } from './hooks.ts';
import type { Log } from './log.ts';
import type { Core } from './open-core.ts';
import type { Check } from './ops/health.ts';
import type { Watching } from './ops/observe.ts';
import { slackCheck } from './ops/slack-check.ts';
import { wayInUse } from './proxy.ts';
import { makeForget } from './runtime/forget-shown.ts';
import { startNarrator } from './runtime/narrate-worker.ts';
import { startOutageWatch } from './runtime/outages.ts';
import { type SlackOptions, startSlack } from './slack/app.ts';
import type { StartableJob } from './slack/desk.ts';
import { changesIn, narrate } from './slack/narrate.ts';
import { makeTellOutage } from './slack/outages.ts';
import { makeShow } from './slack/reconcile.ts';
import { anchorRecord } from './tools/anchor-record.ts';
import { askReadTool } from './tools/ask-read-tool.ts';
import { toolsFor } from './tools/catalog.ts';

/** Slack in, and the threads out. */
export async function startGateway(config: Config, core: Core, log: Log, checks: Record<string, Check>, { figures }: Watching): Promise<() => Promise<void>> {
  const { services, deliver, reading, blobs } = core;
  const { slack, mlflow } = services;
  const { permissions, settings } = config;
  if (!slack) throw new Error('Slack is not configured');
  // Nothing is connected to here: what is pinned says what a call takes.
  const mounting = config.mounted.length > 0 ? (await import('./open-mounts.ts')).mountServers(config, core, log, false) : null;
  const ask = askReadTool({ services, settings, permissions, now: core.log.now });
  const show = makeShow({
    slack,
    narrate: (session, progress, now, links, missing) =>
      narrate(session, { approvers: permissions.approvers, channels: config.channels, progress, now, links, missing }),
    changesIn,
    blob: async (sha256) => (await blobs.get(sha256)) ?? new Uint8Array(),
    log,
  });
  const { botToken, apiUrl, transport } = config.slack;
  const hook = hookOf(config, core);
  const dispatcher = config.proxies ? wayInUse() : undefined;
  const app = await startSlack({
    botToken,
    apiUrl,
    ...(transport.mode === 'socket' ? { appToken: transport.appToken } : { signingSecret: transport.signingSecret }),
    dispatcher: dispatcher as SlackOptions['dispatcher'],
    port: config.port,
    other: hook ? databricksHook(hook) : undefined,
    deliver,
    reading,
    slack,
    runs: mlflow && {
      exists: async (experiment, signal) => (await mlflow.findExperiment(experiment, signal)) !== null,
      ask,
    },
    editing: openEditing(toolsFor(services), {
      services,
      settings,
      permissions,
      now: core.log.now,
      clean: core.clean,
      suspect: core.suspect,
      root: async (id) => (await reading.root(id))?.ts ?? null,
      entries: core.log.read,
      mounted: mounting?.mounts.find,
    }),
    usual: {
      ...settings.defaults,
      metrics: Object.keys(settings.metrics),
      ...(services.databricks ? { jobs: (signal) => jobsToStart(ask, permissions.actIn, signal) } : {}),
    },
    budgets: config.budgets,
    gone: makeForget(core.redis, core.keys),
    permissions,
    channels: config.channels,
    log,
    people: core.people,
    acked: (kind, ms, ok) => {
      figures.acked(kind, ms / 1_000, ok);
      if (!ok) figures.trouble('delivery');
    },
  });
  // After Slack, which may refuse us: a narrator that was begun would go on.
  const narrator = startNarrator({
    ...core,
    show: async (session, slots, limiter, now, progress) => {
      const shown = await show(session, slots, limiter, now, progress);
      const warn = (facts: object, text: string) => log.warn(facts, text);
      const anchorsIn = config.record.anchor ? await anchorRecord(session, { services, settings }, slots, now, warn) : null;
      return anchorsIn === null ? shown : { againInMs: Math.min(anchorsIn, shown?.againInMs ?? anchorsIn) };
    },
    failed: (session, error) => {
      figures.trouble('thread');
      log.warn({ session, err: error }, 'the thread could not be brought up to date; tried again soon');
    },
  });
  // Over HTTP no connection tells of Slack, and one that is open says nothing of the token that posts.
  const answers = slackCheck(slack);
  checks['slack'] = () => {
    const ready = app.ready();
    return ready.ok ? answers() : (ready.why ?? 'not connected');
  };
  const outages = startOutageWatch({
    ...core,
    list: () => reading.list(app.team),
    tell: makeTellOutage(slack),
    now: core.log.now,
    failed: (error) => log.warn({ err: error }, 'the channels could not be told of an outage; tried again soon'),
  });
  return async () => {
    outages.stop();
    await app.stop();
    await narrator.stop();
  };
}

const jobsSchema = z.object({
  jobs: z.array(z.object({ job_id: z.string(), name: z.string(), environment: z.string().optional(), parameters: z.record(z.string(), z.string()).catch({}) })),
});

/** Jobs that may be started at all, by name; none where the backend does not say. */
async function jobsToStart(ask: ReturnType<typeof askReadTool>, actIn: readonly string[], signal: AbortSignal): Promise<StartableJob[]> {
  const asked = await ask('list_databricks_jobs', {}, signal);
  const listed = asked.is === 'answer' ? jobsSchema.safeParse(asked.data).data : undefined;
  return (listed?.jobs ?? [])
    .filter((job) => job.environment !== undefined && actIn.includes(job.environment))
    .map((job) => ({ id: job.job_id, name: `${job.name} (${job.job_id})`, parameters: Object.keys(job.parameters) }));
}
