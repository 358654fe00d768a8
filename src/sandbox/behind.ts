import { makeDeliver } from '../runtime/deliver.ts';
import { makeDoorbell } from '../runtime/doorbell.ts';
import { openLog } from '../runtime/event-log.ts';
import { makeKeys } from '../runtime/keys.ts';
import { openBlobs } from '../runtime/payloads.ts';
import { makeReading } from '../runtime/read-sessions.ts';
import type { About } from '../runtime/reading.ts';
import { connect, PATIENT } from '../runtime/redis.ts';
import { verify } from '../session/chain.ts';
import { type Approval, pendingApprovals, type Session } from '../session/state.ts';
import type { ApprovalLook, SessionLook, SessionRecord } from './control-types.ts';

/** What labmate itself remembers, read where it keeps it; and the one thing that only time can do to it. */
export type Behind = {
  /** Newest first. */
  sessions(): Promise<SessionLook[]>;
  record(session: string): Promise<SessionRecord | null>;
  /** Lets an approval's time be over now. False where it is not open. */
  expire(approval: string): Promise<boolean>;
  close(): Promise<void>;
};

/** More sessions than this are not looked into on every refresh. */
const MOST = 40;

/** Opens a reader beside the product, over the same Redis and the same functions that it reads with. */
export function openBehind(redisUrl: string, prefix: string, team: string): Behind {
  const redis = connect(redisUrl, PATIENT);
  // While Redis is down the page shows what it knew.
  redis.on('error', () => {});
  const keys = makeKeys(prefix);
  const log = openLog(redis, keys, openBlobs(redis, keys));
  const reading = makeReading(redis, keys, log);
  const doorbell = makeDoorbell(redis, keys);
  // An expiry opens no session, so neither model nor limits are asked for.
  const deliver = makeDeliver({ redis, keys, log, ring: doorbell.ring, model: '', limits: { perUser: 0, perTeam: 0 } });

  return {
    async sessions() {
      const abouts = (await reading.list(team)).slice(0, MOST);
      const looks = await Promise.all(abouts.map(async (about) => lookOf(about, await reading.session(about.session).catch(() => null))));
      return looks;
    },
    async record(id) {
      const found = await reading.lines(id);
      if (!found) return null;
      const verified = verify(found.lines);
      return {
        lines: found.lines,
        head: found.head,
        holds: verified.ok ? null : `line ${verified.line}: ${verified.why}`,
        ended: found.ended,
      };
    },
    async expire(approval) {
      const session = approval.split('/')[0] ?? '';
      const known = (await reading.session(session))?.approvals.get(approval);
      if (known?.state !== 'pending') return false;
      return (await deliver(`expire:${approval}`, { do: 'expire', session, approval })).is === 'stored';
    },
    async close() {
      await doorbell.close().catch(() => {});
      redis.disconnect();
    },
  };
}

function lookOf(about: About, session: Session | null): SessionLook {
  const { session: id, alias, by, prompt, state, openedAt, channel, thread } = about;
  const open = new Set(session ? pendingApprovals(session).map((a) => a.id) : []);
  const approvals = session ? [...session.approvals.values()].map((a) => approvalLook(a, session, open.has(a.id))) : [];
  return { id, alias, by, prompt, state, openedAt, channel, thread, lines: session?.seq ?? 0, ended: session?.ended !== undefined, approvals };
}

function approvalLook(approval: Approval, session: Session, open: boolean): ApprovalLook {
  const { id, call, digest, need, votes, state, expiresAt, by, reason } = approval;
  return {
    id,
    tool: session.calls.get(call)?.tool ?? '',
    summary: approval.preview.summary,
    digest,
    need,
    votes: votes.map((vote) => vote.by),
    state,
    open,
    expiresAt,
    by: by ?? null,
    reason: reason ?? null,
  };
}
