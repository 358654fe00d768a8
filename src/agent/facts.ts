import type { Standing } from '../policy/judge.ts';
import type { Entry, Outcome } from '../session/events.ts';
import { fold } from '../session/fold.ts';
import { knownLinks } from '../session/known-links.ts';
import type { Call, Session } from '../session/state.ts';
import type { SessionFacts } from '../tools/define-tool.ts';

/** What a tool may know of the session for one of its calls. `thread`: the root message's ts, once it is posted. */
export function factsOf(call: Call, session: Session, entries: readonly Entry[], thread: string | null): SessionFacts {
  const { opened } = session;
  const approval = call.approval ? session.approvals.get(call.approval) : undefined;
  return {
    id: session.id,
    alias: opened.alias,
    team: opened.team,
    // A client's session has no place in Slack of its own: where its cards stand is its approvers' place.
    channel: opened.door === 'mcp' ? '' : opened.channel,
    thread: opened.thread ?? thread,
    requester: opened.by,
    prompt: opened.prompt,
    call: call.id,
    runs: session.runs.map((r) => r.runId),
    woken: call.woken,
    answer: call.answer,
    interrupted: call.interrupted,
    deadline: call.deadline,
    resolved: call.started?.arguments ?? approval?.arguments,
    approvedBy: approval?.votes.map((v) => v.by) ?? [],
    record: () => recordUpTo(call, session, entries),
    postsOutside: postsOutside(session),
    links: () => knownLinks(session),
  };
}

/** The record up to this call's own approval (or, where a rule let it run, up to the reply that asked for it): a pure function of the log. */
function recordUpTo(call: Call, session: Session, entries: readonly Entry[]): ReturnType<SessionFacts['record']> {
  const decided = entries.findLast((e) => e.event.type === 'approved' && e.event.approval === call.approval);
  const until = decided?.seq ?? call.reply;
  const part = entries.filter((e) => e.seq <= until);
  const then = fold(session.id, part);
  if (!then) throw new Error(`the log of ${session.id} has no line before call ${call.id}`);
  return { session: then, jsonl: () => part.map((e) => `${e.line}\n`).join('') };
}

/** What a tool answered is text from outside, and so is what a backend said when it failed; a refusal names the thing refused, and somebody named that. */
const SAYS_SOMETHING = new Set<Outcome['status']>(['ok', 'failed', 'unknown', 'refused']);

/** Whether anything stands before the model that the requester, or who may steer, has not written: from then on it may be somebody else's word that it follows. */
function hasReadOutside(session: Session): boolean {
  const { quoted, after, rerun_of: repeated, door } = session.opened;
  return (
    quoted !== undefined ||
    after !== undefined ||
    repeated !== undefined ||
    // What the model at an MCP client has read is not known here.
    door === 'mcp' ||
    // A message that was made an experiment may be anybody's.
    door === 'shortcut' ||
    session.told.some((t) => t.standing === 'other') ||
    [...session.calls.values()].some((c) => c.status.is === 'finished' && SAYS_SOMETHING.has(c.status.outcome.status))
  );
}

function postsOutside(session: Session): number {
  return [...session.calls.values()].filter((c) => c.tool === 'post_to_slack' && c.started !== undefined && c.started.arguments['thread_ts'] === undefined)
    .length;
}

/** What policy must know of a session. */
export function standingOf(session: Session): Standing {
  return { tainted: hasReadOutside(session), postsOutside: postsOutside(session), denied: denied(session) };
}

/** What a person has declined, until one who may asks again: the same is not put to people twice. */
function denied(session: Session): NonNullable<Standing['denied']> {
  return [...session.approvals.values()].flatMap(({ state, call, digest, by = 'somebody', decidedAt = '' }) => {
    const again = session.told.some((t) => (t.kind === 'message' || t.kind === 'change') && t.standing !== 'other' && t.at >= decidedAt);
    const asked = session.calls.get(call);
    return state === 'denied' && !again && asked ? [{ digest, tool: asked.tool, input: asked.input, by }] : [];
  });
}
