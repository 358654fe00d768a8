import type { AnyConfig } from '../config.ts';
import { UpstreamError } from '../services/http.ts';
import type { SlackService } from '../services/slack.ts';
import { tooFew } from '../slack/entitled.ts';
import { type Finding, fixOfSlack, leftOut, look, wrong } from './findings.ts';

/** Looks something up in Slack, or says why that cannot be looked at. */
type Look = (about: string, work: (signal: AbortSignal) => Promise<string | Finding[]>) => Promise<Finding[]>;

/**
 * Channels, people and groups that labmate.json names by their ids: whether each is there, and of use for what it is named for. `unseen`: why nothing can be looked
 * up in Slack now, or null.
 */
export function namedInSlack({ channels, permissions }: AnyConfig, slack: SlackService, unseen: () => Promise<string | null>): Promise<Finding[]>[] {
  const lookUp: Look = async (about, work) => {
    const why = await unseen();
    return why === null ? look(about, work, fixOfSlack) : [leftOut(about, `not looked at, because ${why}`)];
  };
  const places = firstKeys([
    ['channels', channels],
    ...rules(permissions).map(([key, { channel }]): Named => [`${key}.channel`, channel === null ? [] : [channel]]),
    ['allow.channels', permissions.allow.channels],
  ]);
  const people = firstKeys(rules(permissions).map(([key, { users }]): Named => [`${key}.users`, users]));
  const groups = firstKeys(rules(permissions).map(([key, rule]): Named => [`${key}.groups`, rule.groups]));
  return [
    ...places.map(([id, key]) => channelFinding(slack, lookUp, id, key)),
    ...people.map(([id, key]) => personFinding(slack, lookUp, id, key)),
    ...groups.map(([id, key]) => groupFinding(slack, lookUp, id, key)),
    ...rules(permissions).map(([key, rule]) => quorumFinding(slack, lookUp, key, rule)),
  ];
}

type Named = [key: string, ids: readonly string[]];

/** The default first: what others inherit is named where it stands. */
function rules({ approvers }: AnyConfig['permissions']) {
  return Object.entries(approvers)
    .sort(([a], [b]) => Number(b === 'default') - Number(a === 'default'))
    .map(([tool, rule]) => [`approvers.${tool}`, rule] as const);
}

/** Each id once, with the first key that names it. */
function firstKeys(all: readonly Named[]): [id: string, key: string][] {
  const first = new Map<string, string>();
  for (const [key, ids] of all) for (const id of ids) if (!first.has(id)) first.set(id, key);
  return [...first];
}

function channelFinding(slack: SlackService, lookUp: Look, id: string, key: string): Promise<Finding[]> {
  const about = `channel ${id}`;
  return lookUp(about, async (signal) => {
    const found = await slack.channel(id, signal);
    if (found === null) return [wrong(about, `the bot cannot see it: invite it there, or correct ${key} in labmate.json.`)];
    if (found.archived) return [wrong(about, `#${found.name} is archived: unarchive it, or correct ${key} in labmate.json.`)];
    return found.member ? `is #${found.name}` : [wrong(about, `the bot is not a member of #${found.name}: /invite it there.`)];
  });
}

function personFinding(slack: SlackService, lookUp: Look, id: string, key: string): Promise<Finding[]> {
  const about = `approver ${id}`;
  return lookUp(about, async (signal) => {
    const found = await slack.person(id, signal);
    if (found === null) return [wrong(about, `Slack knows nobody of this id: correct ${key} in labmate.json (in a profile: Copy member ID).`)];
    const what = found.deleted ? 'deactivated' : found.bot ? 'an app' : found.stranger ? 'of another workspace' : found.guest ? 'a guest' : null;
    return what === null ? `is ${found.name}` : [wrong(about, `${found.name} is ${what}, and their yes does not count: correct ${key} in labmate.json.`)];
  });
}

function groupFinding(slack: SlackService, lookUp: Look, id: string, key: string): Promise<Finding[]> {
  const about = `approvers' group ${id}`;
  return lookUp(about, async (signal) => {
    const members = await slack.groupMembers(id, false, signal).catch((error: unknown) => {
      if (error instanceof UpstreamError && error.code === 'no_such_subteam') return null;
      throw error;
    });
    if (members === null) return [wrong(about, `Slack knows no user group of this id: correct ${key} in labmate.json.`)];
    return members.length > 0 ? `has ${members.length} members` : [wrong(about, `nobody is in it: add people in Slack, or correct ${key} in labmate.json.`)];
  });
}

/** A quorum that nobody can meet. Where one is enough, or Slack does not say, what is wrong is told of the people and groups themselves. */
async function quorumFinding(slack: SlackService, lookUp: Look, key: string, rule: AnyConfig['permissions']['approvers'][string]): Promise<Finding[]> {
  if (rule.quorum < 2) return [];
  return lookUp(key, async () => {
    const few = await slack
      .self()
      .then(({ team }) => tooFew(slack, rule, { team, requester: null }))
      .catch((error: unknown) => {
        if (error instanceof UpstreamError) return null;
        throw error;
      });
    if (!few) return [];
    const has = few.may === 0 ? 'nobody may give it' : `only ${few.may} may give it`;
    return [
      wrong(
        key,
        `it asks for ${rule.quorum} people's yes, and ${has} (groups looked up), so it can never be met: lower quorum in labmate.json, or name more people.`,
      ),
    ];
  });
}
