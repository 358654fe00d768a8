import type { SlackService } from '../services/slack.ts';
import type { Names } from '../session/people.ts';

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
