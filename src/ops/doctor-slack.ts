import { readFile } from 'node:fs/promises';
import type { AnyConfig, SlackConfig } from '../config.ts';
import { VARIABLES } from '../config-backends.ts';
import { slackService } from '../services/slack.ts';
import { manifest, manifestYaml, SCOPES } from '../slack/manifest.ts';
import { type ManifestFault, manifestFaults, scopeFaults } from '../slack/manifest-faults.ts';
import { namedInSlack } from './doctor-named.ts';
import { type Finding, fixOfSlack, leftOut, look, ok, reach, seeAddress, warning, wrong } from './findings.ts';

/** The Slack app with its real tokens: who it is, what it may do, whether it hears, and whether it is the app that this version needs. */
export async function slackFindings(config: AnyConfig): Promise<Finding[]> {
  const { slack } = config;
  if (!slack)
    return [
      wrong(
        'Slack',
        `needs ${VARIABLES.slack}: not all of it is set; "labmate manifest" prints what the app is made from (api.slack.com/apps, From a manifest).`,
      ),
    ];
  const service = slackService({ token: slack.botToken, apiUrl: slack.apiUrl });
  let unseen: string | null = null;
  const bot = look(
    'Slack',
    async (signal) => `bot user ${(await service.self(signal)).user} signs in with SLACK_BOT_TOKEN`,
    (error) => {
      const fix = fixOfSlack(error);
      unseen = fix === '' ? 'the token is not accepted' : 'Slack does not answer';
      return fix;
    },
  );
  // Whom Slack does not let in, or where it does not answer, nothing that labmate.json names can be looked up: that is said once.
  const named = namedInSlack(config, service, async () => {
    await bot;
    return unseen;
  });
  const { transport } = slack;
  const socket =
    transport.mode === 'http'
      ? Promise.resolve([ok('Slack events', 'HTTP mode: Slack must reach POST /slack/events at PORT')])
      : look('Slack events', (signal) => openSocket(slack.apiUrl, transport.appToken, signal));
  const granted = look('Slack scopes', (signal) => scopes(slack, signal));
  const looked = await Promise.all([bot, granted, socket, ...named, installedApp(slack), manifestFile()]);
  return looked.flat();
}

/** One call with a token of its own. Slack answers 200 to a refusal. */
async function ask(apiUrl: string | undefined, method: string, token: string, signal: AbortSignal, args: Record<string, string> = {}) {
  const url = `${(apiUrl ?? 'https://slack.com/api').replace(/\/+$/, '')}/${method}`;
  const answer = await reach('SLACK_API_URL', url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: new URLSearchParams(args),
    redirect: 'error',
    signal,
  });
  const body = (await answer.json().catch((cause: unknown) => {
    throw new Error(`answers ${answer.status} with no JSON. ${seeAddress('SLACK_API_URL')}`, { cause });
  })) as Record<string, unknown>;
  return { body, headers: answer.headers, refused: body['ok'] === true ? null : String(body['error']).slice(0, 60) };
}

/** Asks for a Socket Mode address and does not use it. */
async function openSocket(apiUrl: string | undefined, appToken: string, signal: AbortSignal): Promise<string> {
  const { refused } = await ask(apiUrl, 'apps.connections.open', appToken, signal);
  if (refused === null) return 'Socket Mode opens with SLACK_APP_TOKEN';
  throw new Error(`Slack refuses Socket Mode (${refused}): SLACK_APP_TOKEN needs the scope connections:write, and the app Socket Mode.`);
}

/** Slack names a token's scopes in a header of each answer. */
async function scopes({ apiUrl, botToken }: SlackConfig, signal: AbortSignal): Promise<string | Finding[]> {
  const { headers, refused } = await ask(apiUrl, 'auth.test', botToken, signal);
  // What is wrong with the token itself is said under "Slack".
  if (refused !== null) return [leftOut('Slack scopes', 'not looked at, because the token is not accepted')];
  const granted = headers.get('x-oauth-scopes');
  if (granted === null) return [leftOut('Slack scopes', 'Slack did not say which scopes the token has')];
  const faults = scopeFaults(
    SCOPES,
    granted.split(',').map((scope) => scope.trim()),
  );
  return faults.length === 0 ? `the token has the ${SCOPES.length} scopes that are used, and no other` : faults.map((fault) => finding('Slack scopes', fault));
}

/** Events, commands and shortcuts of the app as it is installed. Only a configuration token may read them. */
async function installedApp(slack: SlackConfig): Promise<Finding[]> {
  const { configToken, apiUrl, botToken, transport } = slack;
  if (!configToken) {
    const how =
      'SLACK_CONFIG_TOKEN not set: events, commands and shortcuts of the installed app are not compared (api.slack.com/apps, Your App Configuration Tokens)';
    return [leftOut('Slack app', how)];
  }
  return look('Slack app', async (signal) => {
    const me = await ask(apiUrl, 'auth.test', botToken, signal);
    const bot = await ask(apiUrl, 'bots.info', botToken, signal, { bot: String(me.body['bot_id']) });
    const app = bot.body['bot'] as { app_id?: unknown } | undefined;
    if (bot.refused !== null || typeof app?.app_id !== 'string')
      throw new Error(`its id could not be found (${bot.refused ?? 'no app_id'}): check SLACK_BOT_TOKEN.`);
    const exported = await ask(apiUrl, 'apps.manifest.export', configToken, signal, { app_id: app.app_id });
    if (exported.refused !== null)
      throw new Error(`its manifest could not be read (${exported.refused}): SLACK_CONFIG_TOKEN lives 12 hours; make a new one at api.slack.com/apps.`);
    const faults = manifestFaults(manifest(transport.mode === 'http' ? 'https://any.host' : undefined), exported.body['manifest']);
    return faults.length === 0 ? 'the installed app is what this version needs' : faults.map((fault) => finding('Slack app', fault));
  });
}

function finding(about: string, { breaks, what, fix }: ManifestFault): Finding {
  return (breaks ? wrong : warning)(about, `${what}. ${fix}`);
}

function manifestFile(): Promise<Finding[]> {
  return look('manifest', async () => {
    const file = await readFile(new URL('../../manifest.yml', import.meta.url), 'utf8');
    if (file === manifestYaml()) return 'manifest.yml is what this version needs';
    return [
      warning('manifest', 'manifest.yml differs from what this version needs: write it with "labmate manifest > manifest.yml" and update the Slack app.'),
    ];
  });
}
