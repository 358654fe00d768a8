import type { Reading } from './runtime/reading.ts';
import type { SessionReader } from './tools/define-tool.ts';

/** The tools' way to earlier sessions: one team's only, whoever's id is asked for. */
export function openSessions(reading: Reading): SessionReader {
  return async (team, id) => {
    const session = await reading.session((await reading.ofAlias(team, id)) ?? id);
    if (!session || session.opened.team !== team) return null;
    const stored = await reading.lines(session.id);
    return stored && { session, lines: stored.lines, head: stored.head, thread: await reading.root(session.id) };
  };
}
