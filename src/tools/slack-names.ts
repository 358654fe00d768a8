import type { SlackService } from '../services/slack.ts';
import { code, prose } from '../session/quote.ts';

/** Names of Slack users, by id. */
export type Names = ReadonlyMap<string, string>;

/** A reader of a pull request should not have to wait for a name. */
const LOOK_MS = 1_000;

/** The names that Slack tells in time. Where it does not, the id alone has to do. */
export async function slackNames(ids: readonly string[], slack: SlackService | undefined, signal: AbortSignal): Promise<Names> {
  if (!slack) return new Map();
  const within = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]);
  const found = await Promise.all(
    [...new Set(ids)].slice(0, 20).map(async (id) => [id, (await slack.person(id, within).catch(() => null))?.name ?? ''] as const),
  );
  return new Map(found.filter(([, name]) => name !== ''));
}

/** A person for readers who are not in Slack: the name, which is a text from outside, and the id that the record has. */
export function who(id: string, names: Names): string {
  const name = names.get(id);
  return name ? `${prose(name, 80)} (Slack user ${code(id, 40)})` : `Slack user ${code(id, 40)}`;
}
