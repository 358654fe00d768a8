import type { Redis } from 'ioredis';
import type { Session } from '../session/state.ts';
import { aboutOf } from './about.ts';
import type { Keys } from './keys.ts';
import { single } from './redis.ts';

/**
 * Writes a session's line into the index, unless that knows of a later line already: whoever stood still since it read the session would take back what others have
 * written. Answers whether it did.
 */
export async function writeAbout(redis: Redis, keys: Keys, session: Session, thread: string | null): Promise<boolean> {
  const about = aboutOf(session, thread);
  const args = [session.id, JSON.stringify(about), session.seq, about.thread === null ? '' : '1'];
  return (await single(redis, 'about', keys.about(session.opened.team), ...args)) === 1;
}
