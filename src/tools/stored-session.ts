import { isDirect } from '../policy/direct.ts';
import { type StoredSession, type ToolContext, ToolError } from './define-tool.ts';
import { cell } from './markdown.ts';

/** A session of the reader's own team. Another team's is answered like one that never was, and so is what somebody else asked for in direct messages. */
export async function theSession(id: string, { services, session, reader }: ToolContext): Promise<StoredSession> {
  const who = session ? { team: session.team, user: session.requester } : reader;
  if (!who) throw new ToolError('NO_SESSION', 'There is no session here, so it is not known whose experiments may be read.', 'ask in Slack.');
  const found = await services.sessions?.(who.team, id.trim());
  const opened = found?.session.opened;
  // What is said in direct messages is not told in a channel, whoever's session asks there.
  const isHere = !session || session.channel === opened?.channel;
  if (found && opened && (!isDirect(opened.channel) || (opened.by === who.user && isHere))) return found;
  throw new ToolError('SESSION_NOT_FOUND', `This team has no experiment ${cell(id)}.`, 'check the id: each thread shows its own, such as e-7k2f.');
}
