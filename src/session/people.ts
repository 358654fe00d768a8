import { code, prose } from './quote.ts';
import type { Session } from './state.ts';

/** Names of Slack users, by id. */
export type Names = ReadonlyMap<string, string>;

/** What Slack called the people of a session, as its log has it. */
export function namesIn({ approvals }: Session): Names {
  return new Map(
    [...approvals.values()].flatMap(({ preview, votes }) => [
      ...Object.entries(preview.people ?? {}),
      ...votes.flatMap((v) => (v.name ? [[v.by, v.name] as const] : [])),
    ]),
  );
}

/** A person for readers who are not in Slack: the name, which is a text from outside, and the id that the record has. */
export function who(id: string, names: Names): string {
  const name = names.get(id);
  return name ? `${prose(name, 80)} (Slack user ${code(id, 40)})` : `Slack user ${code(id, 40)}`;
}

/** By name where the record has one. Who came in by another door than Slack has an id of another kind. */
export function person(id: string, names: Names): string {
  return names.has(id) ? who(id, names) : code(id);
}
