import type { AnyConfig } from './config.ts';
import { VARIABLES } from './config-backends.ts';
import { openServices } from './open-services.ts';
import { matches } from './policy/environments.ts';
import { judge } from './policy/judge.ts';
import type { Permissions } from './policy/rules.ts';
import type { Touches } from './policy/touches.ts';
import { Told } from './told.ts';
import { catalog, toolsFor } from './tools/catalog.ts';
import type { Services, Tool } from './tools/define-tool.ts';
import { cannotBeAsked } from './tools/gate.ts';

/** What a client of the stdio door may see. */
export type Choice = { readOnly: boolean; toolsets: readonly string[] | null; exclude: readonly string[] };

/** The variables that a door without a log lacks; empty where it has all. */
export function missingFor({ redis, slack }: Pick<AnyConfig, 'redis' | 'slack'>): string {
  return [...(redis ? [] : ['REDIS_URL']), ...(slack ? [] : [VARIABLES.slack])].join(', ');
}

/** Where the cards of what clients do stand; null where nobody could be asked. */
export function cardsGoTo({ permissions, channels }: Pick<AnyConfig, 'permissions' | 'channels'>): string | null {
  return permissions.approvers['default']?.channel ?? channels[0] ?? null;
}

export const NO_CHANNEL = 'labmate.json names no channel for cards: add "channel" to approvers.default.';

/** `labmate mcp ls`: a line for every tool there is: its origin, what becomes of a call, and why. */
export function listTools(config: AnyConfig, choice: Choice): string {
  // Earlier sessions are read from the log, which this door keeps only where people can be asked.
  const sessions = config.redis && config.slack ? { sessions: async () => null } : {};
  const offered = new Set(toolsFor({ ...openServices(config), ...sessions }));
  const tools = choose(catalog, choice);
  const width = Math.max(0, ...tools.map((tool) => tool.name.length)) + 2;
  return tools.map((tool) => `${tool.name.padEnd(width)}${originOf(tool).padEnd(12)}${offered.has(tool) ? atDoor(tool, config) : leftOut(tool)}`).join('\n');
}

/** In one line, how many of the chosen tools are there, and what the others lack. */
export function offer(services: Services, choice: Choice): string {
  const chosen = choose(catalog, choice);
  const count = choose(toolsFor(services), choice).length;
  const missing = new Set(chosen.flatMap((tool) => tool.needs.filter((need) => services[need] === undefined)));
  const left = [...missing].map(
    (need) =>
      `${need} (needs ${need === 'sessions' ? "REDIS_URL and Slack's tokens" : need === 'slack' ? VARIABLES.slack : /^\w+/.exec(VARIABLES[need])?.[0]})`,
  );
  return `labmate mcp offers ${count} ${count === 1 ? 'tool' : 'tools'}${left.length > 0 ? `; left out: ${left.join(', ')}; see labmate mcp ls` : ''}`;
}

/** Throws a sentence where a name is not known: a tool that was to be left out must not stay because of a misspelling. */
export function choose(tools: readonly Tool[], { readOnly, toolsets, exclude }: Choice): Tool[] {
  const origins = [...new Set(catalog.map(originOf))];
  if (toolsets?.length === 0) throw new Told(`labmate mcp: --toolsets names none; there are ${origins.join(', ')}.`, 2);
  const strange = toolsets?.find((name) => !origins.includes(name));
  if (strange !== undefined) throw new Told(`labmate mcp: there is no toolset "${strange}"; there are ${origins.join(', ')}.`, 2);
  const unknown = exclude.find((name) => !catalog.some((tool) => tool.name === name));
  if (unknown !== undefined) throw new Told(`labmate mcp: there is no tool "${unknown}"; see labmate mcp ls.`, 2);
  return tools.filter(
    (tool) => (!readOnly || tool.kind === 'read') && (toolsets === null || toolsets.includes(originOf(tool))) && !exclude.includes(tool.name),
  );
}

function originOf(tool: Tool): string {
  return tool.needs[0] ?? 'people';
}

function leftOut(tool: Tool): string {
  if (tool.needs.includes('sessions')) return 'left out: it reads the log of sessions (set REDIS_URL and SLACK_BOT_TOKEN, as where labmate runs)';
  const missing = tool.needs.flatMap((need) => (need === 'sessions' ? [] : [`${need} is not configured (set ${VARIABLES[need]})`]));
  return `left out: ${missing.join(' and ')}`;
}

/** What a call may turn out to touch that the built-in table lets it. */
const OWN: Readonly<Record<string, readonly Touches[]>> = {
  post_to_slack: [{ place: 'own-thread' }, { place: 'own-channel' }],
  cancel_job_run: [{ own: true }],
};

/** What the door does with a call, and where that hangs on what it lacks, what it would do. */
function atDoor(tool: Tool, config: AnyConfig): string {
  const rule = ruleOf(tool, config.permissions);
  const missing = missingFor(config);
  const lacks = missing !== '' ? `set ${missing}, as where labmate runs` : cardsGoTo(config) === null ? NO_CHANNEL.replace(/\.$/, '') : null;
  return tool.kind === 'read' || lacks === null || rule.startsWith('refused')
    ? rule
    : `refused here: nothing acts without a log and people to ask (${lacks}); then ${rule}`;
}

function ruleOf(tool: Tool, permissions: Permissions): string {
  const of = (touches: Touches) => judge({ tool: tool.name, readOnly: tool.kind === 'read', touches }, permissions, { tainted: false, postsOutside: 0 });
  const verdict = of({});
  const own = (OWN[tool.name] ?? []).map(of).flatMap((v) => (v.is === 'run' && v.rule.startsWith(BUILT_IN) ? [v.rule.slice(BUILT_IN.length)] : []));
  const except = own.length > 0 ? `, except: ${own.join('; ')}` : '';
  // What a rule's condition is about is known only when a call is planned.
  const conditional = permissions.policy.rules.filter((rule) => rule.when !== undefined && matches(rule.tool, tool.name));
  const otherwise = conditional.map((rule) => `; ${rule.action} when ${JSON.stringify(rule.when)}`).join('');
  const byItself = tool.kind === 'write' && (verdict.is === 'run' || conditional.some((rule) => rule.action === 'auto'));
  const covers = byItself ? '; once text from outside was read, by itself in its own thread and channel alone, and on jobs that "environments" lists' : '';
  // There is no card for a look.
  if (verdict.is === 'confirm' && tool.kind === 'read') return `refused: ${cannotBeAsked(tool.name, verdict.rule)}`;
  const said =
    verdict.is === 'refuse' ? `refused: ${verdict.why}` : verdict.is === 'run' ? `runs by itself (${verdict.rule})` : `asks a person (${verdict.rule})`;
  const thread = tool.needsThread && verdict.is === 'run' ? "; it needs an experiment's own thread: a client has none, and is told so" : '';
  return said + except + otherwise + covers + thread;
}

const BUILT_IN = 'built-in: ';
