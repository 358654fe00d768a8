import type { Reading } from './runtime/reading.ts';
import { lineHash } from './session/chain.ts';
import type { SessionReader } from './tools/define-tool.ts';

/** The tools' way to earlier sessions: one team's only, whoever's id is asked for. */
export function openSessions(reading: Reading): SessionReader {
  return async (team, id) => {
    const session = await reading.session((await reading.ofAlias(team, id)) ?? id);
    if (!session || session.opened.team !== team) return null;
    const stored = await reading.lines(session.id);
    const last = stored?.lines.at(-1);
    // The head of exactly these lines: the log may have grown since.
    return stored && last !== undefined ? { session, lines: stored.lines, head: lineHash(last), thread: await reading.root(session.id) } : null;
  };
}
