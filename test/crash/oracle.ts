import { digestOf } from '../../src/policy/digest.ts';
import type { Entry, EventOf } from '../../src/session/events.ts';
import { fold } from '../../src/session/fold.ts';
import type { Call, Session } from '../../src/session/state.ts';
import { type People, toldOtherwise } from './people.ts';
import { readRecord } from './record.ts';
import type { CrashStage, Heard } from './stage.ts';
import { KINDS, type Kind, TAGGED, tagOf, tokenIn } from './workload.ts';

/** What went wrong, in sentences that name the session. */
export type Verdict = {
  lost: string[];
  doubled: string[];
  ungated: string[];
  broken: string[];
  sessions: number;
  effects: number;
  expired: number;
  reminded: number;
};

type Seen = { sid: string; entries: Entry[]; session: Session; token: string; kind: Kind };

/** Looks at everything from outside: the logs, what the services did, and what the threads show. */
export async function judgeAll(stage: CrashStage, people: People): Promise<Verdict> {
  const v: Verdict = { lost: [], doubled: [], ungated: [], broken: [], sessions: 0, effects: 0, expired: 0, reminded: 0 };
  v.lost.push(...stage.faults);
  // Before the logs are read: what Slack sends again in this moment is acknowledged after its log was looked for.
  const acknowledged = { acked: [...people.acked], heard: stage.heard.filter((h) => h.acked) };
  const seen = await readAll(stage, v);
  v.sessions = seen.length;
  for (const one of seen) judgeRecord(one, v);
  judgeInputs(stage, people, acknowledged, seen, v);
  await judgeEffects(stage, seen, v);
  judgeThreads(stage, seen, v);
  return v;
}

async function readAll({ redis, keys, blobs }: CrashStage, v: Verdict): Promise<Seen[]> {
  const prefix = keys.log('');
  const all: Seen[] = [];
  for (const key of (await redis.keys('*')).filter((k) => k.startsWith(prefix))) {
    const sid = key.slice(prefix.length);
    try {
      const entries = await readRecord(await redis.xrange(key, '-', '+'), sid, blobs);
      const session = fold(sid, entries);
      const [head, status] = await redis.hmget(keys.st(sid), 'head', 'status');
      if (entries.at(-1)?.hash !== head) v.broken.push(`${sid}: its head is not the one that is kept`);
      if (!session) continue;
      if (!session.ended || status !== 'closed') v.lost.push(`${sid}: has not ended; ${lastOf(entries)}`);
      const [, token = '', kind = 'post'] = tokenIn(session.opened.prompt) ?? [];
      all.push({ sid, entries, session, token, kind: kind as Kind });
    } catch (error) {
      v.broken.push(`${sid}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return all;
}

/** What one record says by itself: every effect has its yes, its start and its end, once and in this order. */
function judgeRecord({ sid, entries, session }: Seen, v: Verdict): void {
  let fence = 0;
  let stopped = false;
  const launched = new Set<string>();
  // What people had canceled at the stop, as the record has it: asked for by the host, after it, about a run that began here.
  const cancels = new Set<string>();
  const used = new Set<string>();
  const started = new Map<string, EventOf<'call_started'>>();
  const finished = new Set<string>();
  const asked = new Set<string>();
  const yes = new Map<string, { digest: string; votes: number; need: number }>();
  for (const { event, fence: by, m } of entries) {
    if (by !== 0 && by < fence) v.broken.push(`${sid}: fence ${by} wrote after fence ${fence}`);
    fence = Math.max(fence, by);
    if (event.type === 'told' && event.kind === 'stop') stopped = true;
    if (event.type === 'replied') {
      for (const { id, tool, input } of event.calls) {
        if (stopped && event.host && tool === 'cancel_job_run' && launched.has(runIdIn(input))) cancels.add(id);
        if (asked.has(id)) v.doubled.push(`${sid}: call ${id} stands in two replies`);
        asked.add(id);
      }
    }
    if (event.type === 'approved') yes.set(event.approval, event);
    if ((event.type === 'withdrawn' || event.type === 'denied' || event.type === 'expired') && !used.has(event.approval)) yes.delete(event.approval);
    if (event.type === 'expired') {
      v.expired += 1;
      if (m < Date.parse(session.approvals.get(event.approval)?.expiresAt ?? ''))
        v.broken.push(`${sid}: the question ${event.approval} expired before its time`);
    }
    if (event.type === 'call_started') {
      if (started.has(event.call)) v.doubled.push(`${sid}: ${event.call} was started twice`);
      started.set(event.call, event);
      if (stopped && !cancels.has(event.call)) v.ungated.push(`${sid}: ${event.tool} was started after the stop`);
      if (event.digest !== digestOf(event.tool, event.arguments)) v.ungated.push(`${sid}: ${event.tool} has another digest than its arguments`);
      if (event.approval === undefined) {
        // Its own thread, and its own run.
        if (event.tool !== 'post_to_slack' && event.tool !== 'cancel_job_run') v.ungated.push(`${sid}: ${event.tool} was started without a question`);
      } else {
        const given = yes.get(event.approval);
        if (!given || given.votes < given.need || given.digest !== event.digest)
          v.ungated.push(`${sid}: ${event.tool} was started without the yes to these bytes`);
        if (used.has(event.approval)) v.doubled.push(`${sid}: the approval ${event.approval} was used twice`);
        used.add(event.approval);
      }
    }
    if (event.type === 'call_finished') {
      if (started.get(event.call)?.tool === 'run_databricks_job' && event.outcome.status === 'ok') launched.add(runIdIn(event.outcome.data));
      if (finished.has(event.call)) v.doubled.push(`${sid}: ${event.call} was finished twice`);
      finished.add(event.call);
    }
  }
  for (const [call, { tool }] of started) if (!finished.has(call)) v.lost.push(`${sid}: ${tool} was started and never finished`);
  if (!session.ended) return;
  if (session.stop ? session.ended.outcome !== 'stopped' && session.ended.outcome !== 'done' : session.ended.outcome !== 'done')
    v.lost.push(`${sid}: ended as ${session.ended.outcome}: ${session.ended.text}`);
  for (const call of session.calls.values()) {
    if (session.stop || call.status.is !== 'finished' || call.status.outcome.status === 'ok' || wasDeclined(session, call)) continue;
    v.lost.push(`${sid}: ${call.tool} came out as ${call.status.outcome.status}: ${call.status.outcome.text}`);
  }
}

function runIdIn(value: unknown): string {
  return String((value as { run_id?: unknown } | undefined)?.run_id ?? 'none');
}

/** Whatever Slack was told "yes" to is in a log. */
function judgeInputs(
  stage: CrashStage,
  people: People,
  { acked, heard }: { acked: People['acked']; heard: readonly Heard[] },
  seen: readonly Seen[],
  v: Verdict,
): void {
  for (const input of acked) {
    if (input.what === 'command') {
      const of = seen.filter((s) => s.token === input.token);
      if (of.length === 0) v.lost.push(`the command ${input.token} was acknowledged and is in no log`);
      continue;
    }
    if (input.what === 'stop') {
      const of = seen.find((s) => s.session.opened.alias === input.alias);
      if (!of?.session.stop && !of?.session.ended) v.lost.push(`the stop of ${input.alias} was acknowledged and is in no log`);
      continue;
    }
    const of = seen.find((s) => input.approval.startsWith(`${s.sid}/`));
    const state = of?.session.approvals.get(input.approval)?.state;
    const known = state !== undefined && (state !== 'pending' || of?.session.refusedDecisions.some((r) => r.by === input.by));
    if (!known && !toldOtherwise(stage, input.channel, input.by, input.at))
      v.lost.push(`the click of ${input.by} on ${input.approval} was acknowledged and is in no log`);
  }
  const tokens = new Map<string, number>();
  for (const { token } of seen) if (token) tokens.set(token, (tokens.get(token) ?? 0) + 1);
  for (const [token, n] of tokens) if (n > 1) v.doubled.push(`the prompt ${token} opened ${n} sessions`);
  const said = new Map<string, number>();
  for (const { session } of seen) {
    for (const text of [session.opened.prompt, ...session.told.map((t) => t.text)]) {
      const token = /A thought: (n[0-9a-z]+)/.exec(text)?.[1];
      if (token) said.set(token, (said.get(token) ?? 0) + 1);
    }
  }
  for (const { token } of people.notes) {
    const n = said.get(token) ?? 0;
    if (n === 0 && heard.some((h) => h.envelope.includes(token))) v.lost.push(`the message ${token} was acknowledged and is in no log`);
    if (n > 1) v.doubled.push(`the message ${token} is in the logs ${n} times`);
  }
}

/** What the services saw: nothing twice, nothing without a start in a log, nothing missing that a log calls done. */
async function judgeEffects(stage: CrashStage, seen: readonly Seen[], v: Verdict): Promise<void> {
  const pulls = await pullTitles(stage);
  const posts = stage.slack.world.data.messages.filter((m) => m.bot && m.onlyFor === null);
  const effects: { tool: (typeof KINDS)[Kind][number]; of: (token: string) => number }[] = [
    { tool: 'run_databricks_job', of: (token) => stage.standIns.training.launches().filter((l) => l.parameters['feature_set'] === token).length },
    { tool: 'create_github_pr', of: (token) => pulls.filter((title) => title === `feat: ${token}`).length },
    {
      tool: 'post_to_slack',
      of: (token) => posts.filter((m) => JSON.stringify(m.blocks).includes(`This came of ${token}.`) && slotOf(m)?.slot.startsWith('effect:')).length,
    },
    { tool: 'cancel_job_run', of: (token) => stage.standIns.training.launches().filter((l) => l.parameters['feature_set'] === token && l.canceledAt).length },
    { tool: 'update_tracking_doc', of: (token) => stage.written.filter((message) => message.startsWith(`Track ${token} in `)).length },
    { tool: 'tag_run', of: (token) => (stage.standIns.training.tags(TAGGED)[tagOf(token)] === token ? 1 : 0) },
  ];
  for (const { sid, session, token, kind } of seen) {
    if (!token) continue;
    const declined = [...session.calls.values()].some((call) => wasDeclined(session, call));
    for (const { tool, of } of effects) {
      const n = of(token);
      v.effects += n;
      const call = [...session.calls.values()].find((c) => c.tool === tool);
      if (n > 1) v.doubled.push(`${sid}: ${tool} happened ${n} times`);
      if (n > 0 && !call?.started) v.ungated.push(`${sid}: ${tool} happened and was never started`);
      if (n > 0 && call && wasDeclined(session, call)) v.ungated.push(`${sid}: ${tool} happened although nobody agreed`);
      const wanted = session.ended && !session.stop && !declined && (KINDS[kind] as readonly string[]).includes(tool);
      if (n === 0 && wanted) v.lost.push(`${sid}: ${tool} never happened`);
      if (tool === 'run_databricks_job' && n > 0 && call?.started) {
        const sent = stage.standIns.training.launches().find((l) => l.parameters['feature_set'] === token)?.parameters ?? {};
        const approved = Object.entries((call.started.arguments['parameters'] ?? {}) as Record<string, string>);
        if (!approved.every(([name, value]) => sent[name] === value)) v.ungated.push(`${sid}: the run has other parameters than were approved`);
      }
    }
  }
  const known = new Set(seen.map((s) => s.token));
  for (const launch of stage.standIns.training.launches()) {
    if (!known.has(launch.parameters['feature_set'] ?? '')) v.ungated.push(`run ${launch.runId} belongs to no session`);
  }
}

async function pullTitles({ standIns }: CrashStage): Promise<string[]> {
  const headers = { authorization: 'Bearer ghp_sandbox_token' };
  const titles = new Map<number, string>();
  for (let page = 1; ; page++) {
    const url = `${(standIns.variables as Record<string, string>)['GITHUB_API_URL']}/repos/acme/ads/pulls?state=all&per_page=100&page=${page}`;
    const some = (await (await fetch(url, { headers })).json()) as { number: number; title: string }[];
    const before = titles.size;
    for (const { number, title } of some) titles.set(number, title);
    if (titles.size === before) return [...titles.values()];
  }
}

/** Every message and picture of ours stands once, and every session has said its last word. */
function judgeThreads({ slack }: CrashStage, seen: readonly Seen[], v: Verdict): void {
  const roots = new Map(slack.world.data.messages.flatMap((m) => (slotOf(m)?.slot === 'root' ? [[slotOf(m)?.session, m] as const] : [])));
  for (const { sid, session, kind } of seen) {
    const root = roots.get(sid);
    const names = slack.world.data.messages.filter((m) => m.channel === root?.channel && m.threadTs === root.ts).flatMap((m) => m.files.map((f) => f.name));
    v.effects += names.length;
    if (new Set(names).size < names.length) v.doubled.push(`${sid}: a picture stands twice in its thread: ${names.join(', ')}`);
    if (kind === 'picture' && session.ended && !session.stop && names.length === 0) v.lost.push(`${sid}: its picture is not in its thread`);
  }
  const shown = new Map<string, number>();
  for (const message of slack.world.data.messages) {
    const mark = slotOf(message);
    if (mark?.slot.startsWith('reminder')) v.reminded += 1;
    if (mark) shown.set(`${mark.session} ${mark.slot}`, (shown.get(`${mark.session} ${mark.slot}`) ?? 0) + 1);
  }
  for (const [mark, n] of shown) if (n > 1 && !mark.includes(' effect:')) v.doubled.push(`the message ${mark} stands ${n} times`);
  for (const { sid, session } of seen) if (session.ended && !shown.has(`${sid} final`)) v.lost.push(`${sid}: has ended, and its thread does not say so`);
}

/** Somebody said no, or nobody said anything in time. */
function wasDeclined(session: Session, call: Call): boolean {
  const state = session.approvals.get(call.approval ?? '')?.state;
  return (state === 'denied' || state === 'expired') && call.status.is === 'finished' && call.status.outcome.status === state;
}

function slotOf(message: { metadata: unknown }): { session: string; slot: string } | null {
  const payload = (message.metadata as { event_payload?: { session?: string; slot?: string } } | null)?.event_payload;
  return payload?.session && payload.slot ? { session: payload.session, slot: payload.slot } : null;
}

function lastOf(entries: readonly Entry[]): string {
  const last = entries.at(-1);
  return `its last line is ${last?.seq} ${last?.event.type}`;
}
