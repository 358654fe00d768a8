import type { SandboxChannel, SandboxMessage, SandboxModal, SandboxUser, Snapshot } from '../../control-types.ts';
import { record } from '../blocks/json.ts';

/** What of a snapshot one person sees. Pure. */

/** Channels, then this person's own direct messages; other people's are not theirs to see. */
export function channelsOf(snapshot: Snapshot, me: string): { channels: SandboxChannel[]; direct: SandboxChannel[] } {
  return {
    channels: snapshot.channels.filter((channel) => !channel.im),
    direct: snapshot.channels.filter((channel) => channel.im === me),
  };
}

/** The people one can be, in the order newcomers need them. */
export function peopleOf(snapshot: Snapshot): SandboxUser[] {
  return snapshot.users.filter((user) => user.role !== 'bot' && !user.deleted);
}

function visible(message: SandboxMessage, me: string): boolean {
  return message.onlyFor === null || message.onlyFor === me;
}

function byTime(a: SandboxMessage, b: SandboxMessage): number {
  return Number(a.ts) - Number(b.ts);
}

export function isReply(message: SandboxMessage): boolean {
  return message.threadTs !== null && message.threadTs !== message.ts;
}

/** The messages of a channel that are not replies, oldest first. */
export function rootsOf(snapshot: Snapshot, channel: string, me: string): SandboxMessage[] {
  return snapshot.messages.filter((message) => message.channel === channel && !isReply(message) && visible(message, me)).sort(byTime);
}

/** A thread: its root, where it still exists, and its replies, oldest first. */
export function threadOf(snapshot: Snapshot, channel: string, ts: string, me: string): { root: SandboxMessage | null; replies: SandboxMessage[] } {
  const seen = snapshot.messages.filter((message) => message.channel === channel && visible(message, me));
  return {
    root: seen.find((message) => message.ts === ts) ?? null,
    replies: seen.filter((message) => message.threadTs === ts && message.ts !== ts).sort(byTime),
  };
}

/** Whether other experiments were at work here before this thread came to its end: what they trained is missing where it is played again. */
export function othersBefore(snapshot: Snapshot, channel: string, ts: string): boolean {
  const sessionOf = ({ metadata }: SandboxMessage) => record(record(metadata).event_payload).session;
  const thread = snapshot.messages.filter((message) => message.channel === channel && (message.ts === ts || message.threadTs === ts));
  const own = new Set(thread.map(sessionOf));
  const last = Math.max(...thread.map((message) => Number(message.ts)));
  return snapshot.messages.some((message) => sessionOf(message) !== undefined && !own.has(sessionOf(message)) && Number(message.ts) < last);
}

/** The message a Slack permalink (`…/archives/C1/p1700000000000100`) names, where it is here and this person may see it. */
export function messageAt(snapshot: Snapshot, url: string, me: string): SandboxMessage | null {
  const [, channel, digits = ''] = /\/archives\/([A-Z0-9]+)\/p(\d{11,})(?:[?#]|$)/.exec(url) ?? [];
  const ts = `${digits.slice(0, -6)}.${digits.slice(-6)}`;
  return snapshot.messages.find((message) => message.channel === channel && message.ts === ts && visible(message, me)) ?? null;
}

/** The line under a message that has replies: how many everyone sees, who wrote them, and when the last one came. */
export function summaryOf(replies: SandboxMessage[]): { count: number; people: string[]; last: string } | null {
  const shared = replies.filter((reply) => reply.onlyFor === null);
  const last = shared.at(-1);
  return last ? { count: shared.length, people: [...new Set(shared.map((reply) => reply.user))].slice(0, 4), last: last.ts } : null;
}

/** The modal on top of this person's screen. */
export function modalOf(snapshot: Snapshot, me: string): SandboxModal | null {
  return snapshot.modals.filter((modal) => modal.user === me).at(-1) ?? null;
}

/** Whom a message's blocks address: those mentioned by name, and the members of mentioned groups. */
function addressees(words: string, snapshot: Snapshot): string[] {
  const names = (person: string) => words.includes(`<@${person}`) || words.includes(`"user_id":"${person}"`);
  const groups = (snapshot.groups ?? []).filter(({ id }) => words.includes(`<!subteam^${id}`) || words.includes(`"usergroup_id":"${id}"`));
  return peopleOf(snapshot)
    .map((person) => person.id)
    .filter((person) => names(person) || groups.some((group) => group.users.includes(person)));
}

/** Who could decide an approval that is open in this thread, when this person can't; null when nothing waits. */
export function deciderOf(thread: SandboxMessage[], snapshot: Snapshot, me: string): SandboxUser | null {
  const open = thread.find((message) => JSON.stringify(message.blocks).includes('"action_id":"approve_call"'));
  if (!open) return null;
  const people = peopleOf(snapshot);
  const approvers = people.filter((person) => person.role.includes('approver'));
  if (approvers.some((person) => person.id === me)) return null;
  return approvers.find((person) => addressees(JSON.stringify(open.blocks), snapshot).includes(person.id)) ?? approvers[0] ?? null;
}

/** What waits for each person, however often they looked at it: approvals they may decide and are not the requester of, and questions to them. */
export function waitingFor(snapshot: Snapshot): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const message of snapshot.messages) {
    if (!message.bot || message.onlyFor !== null) continue;
    const words = JSON.stringify(message.blocks);
    const count = words.split('"action_id":"approve_call"').length - 1;
    const [, requester] = /"text":"Asked for by "\},\{"type":"user","user_id":"(\w+)"/.exec(words) ?? [];
    const [, asked] = /"text":"A question"[^[\]]*"text":" for "\},\{"type":"user","user_id":"(\w+)"/.exec(words) ?? [];
    // The card names other people too: who asked, who changed it, who has said yes.
    const deciders = count > 0 ? addressees(words.slice(words.indexOf('"text":"May approve')), snapshot).filter((person) => person !== requester) : [];
    for (const person of deciders) counts[person] = (counts[person] ?? 0) + count;
    if (asked) counts[asked] = (counts[asked] ?? 0) + 1;
  }
  return counts;
}
