import { z } from 'zod';
import { plain } from '../policy/outside-text.ts';
import { approversOf } from '../policy/rules.ts';
import type { Session } from '../session/state.ts';
import { help, listed, matching, shown, suggestion, waiting } from './answers.ts';
import { type Answer, type Desk, mayChange, standingOf } from './desk.ts';
import { approverMentions } from './narrate.ts';
import { parseCommand, type Ref, type Typed } from './parse-command.ts';
import { AFTER_ALL, REPEAT, store, whyNot } from './store.ts';

/** What we use of a slash command's payload. */
export const commandSchema = z.object({
  team_id: z.string(),
  channel_id: z.string(),
  user_id: z.string(),
  trigger_id: z.string().min(1),
  text: z.string().catch(''),
  response_url: z.string().catch(''),
});
type Given = z.infer<typeof commandSchema>;

/** Answers /experiment. What it stores is stored when the answer is given. */
export async function onCommand(desk: Desk, given: Given): Promise<Answer> {
  if (given.team_id !== desk.self.team) return { text: 'This app belongs to another workspace; it takes commands from there only.' };
  const typed = parseCommand(given.text, { bot: desk.self.user });
  if (typed.is === 'empty' || typed.is === 'help') return help();
  if (typed.is === 'suggestion') return suggestion(typed.word, typed.subcommand);
  if (!desk.channels.includes(given.channel_id)) return notHere(desk);
  if (typed.is !== 'prompt') return subcommand(desk, given, typed);

  const may = await mayChange(desk, given.user_id);
  if (!may.ok) return { text: may.why };
  const { team_id: team, channel_id: channel, user_id: by, trigger_id: trigger } = given;
  const session = idFrom(team, channel, trigger);
  const stored = await store(desk, `cmd:${trigger}`, { do: 'open', session, team, channel, thread: null, by, prompt: typed.prompt, door: 'command' });
  if (stored.is === 'unsure') tellLater(desk, given, stored.settled);
  if (stored.is === 'stored') return { text: `Opened ${plain(stored.alias)}. Its thread follows in this channel.` };
  return { text: whyNot(stored) ?? 'Opened. Its thread follows in this channel.' };
}

/** The same delivery always names the same session. */
export function idFrom(...parts: string[]): string {
  return parts.join('-').replace(/[^A-Za-z0-9.-]/g, '-');
}

export function notHere(desk: Desk): Answer {
  const served = desk.channels.map((c) => `<#${c}>`).join(', ');
  return {
    text: served
      ? `I work in ${served} only; this channel is not configured.`
      : 'No channel is configured for me yet. An operator has to add one to labmate.json.',
  };
}

function tellLater(desk: Desk, { response_url }: Given, settled: Promise<'stored' | 'lost'>): void {
  desk.later(async () => desk.slack.respond(response_url, { text: (await settled) === 'stored' ? AFTER_ALL : REPEAT }));
}

async function subcommand(desk: Desk, given: Given, typed: Exclude<Typed, { is: 'prompt' | 'empty' | 'suggestion' }>): Promise<Answer> {
  const { team_id: team } = given;
  switch (typed.is) {
    case 'help':
      return help();
    case 'status':
      return listed(
        'Running or waiting now',
        (await served(desk, team)).filter((a) => a.endedAt === null),
        'Nothing runs and nothing waits.',
        20,
      );
    case 'list':
      return listed('The latest experiments', await served(desk, team), 'There is no experiment yet. Describe one: /experiment SENTENCE');
    case 'find':
      return listed(`Found for “${typed.words}”`, matching(await served(desk, team), typed.words), `Nothing found for “${typed.words}”.`);
    case 'approvals': {
      const open = (await served(desk, team)).filter((a) => a.endedAt === null).slice(0, 40);
      const sessions = (await Promise.all(open.map((a) => desk.reading.session(a.session)))).filter((s) => s !== null);
      return waiting(sessions, (tool) => approverMentions(approversOf(tool, desk.permissions.approvers), ''));
    }
    case 'show':
      return withSession(desk, team, typed.id, async (s) => shown(s, await threadUrl(desk, s.id)));
    case 'record':
      return withSession(desk, team, typed.id, (s) => record(desk, s));
    case 'stop':
      return withSession(desk, team, typed.id, (s) => stop(desk, given, s));
    case 'rerun':
      return { text: 'rerun is not available yet. Say it in a sentence: /experiment Run the same as … but with …' };
    case 'compare':
      return { text: 'compare is not available yet. Say it in a sentence: /experiment Compare run … to run …' };
    case 'best':
      return { text: 'best is not available yet. Say it in a sentence: /experiment Find the best run in …' };
    default:
      return typed satisfies never;
  }
}

async function served(desk: Desk, team: string) {
  return (await desk.reading.list(team)).filter((a) => desk.channels.includes(a.channel));
}

async function withSession(desk: Desk, team: string, ref: Ref, then: (s: Session) => Promise<Answer> | Answer): Promise<Answer> {
  if (ref.of === 'run') return { text: 'I find experiments by their id (e-7k2f) or a link to their thread, not by a run. /experiment find WORDS searches.' };
  const id = ref.of === 'alias' ? await desk.reading.ofAlias(team, ref.alias) : await desk.reading.ofThread(team, ref.channel, ref.ts);
  const session = id ? await desk.reading.session(id) : null;
  if (!session || session.opened.team !== team || !desk.channels.includes(session.opened.channel))
    return { text: `I know no experiment ${plain(ref.of === 'alias' ? ref.alias : 'in that thread')}. /experiment list shows the latest.` };
  return then(session);
}

async function threadUrl(desk: Desk, session: string): Promise<string | null> {
  const root = await desk.reading.root(session);
  return root ? desk.slack.permalink(root, AbortSignal.timeout(800)).catch(() => null) : null;
}

async function record(desk: Desk, s: Session): Promise<Answer> {
  const [record, root] = await Promise.all([desk.reading.lines(s.id), desk.reading.root(s.id)]);
  const { alias, channel } = s.opened;
  const thread = s.opened.thread ?? root?.ts;
  if (!record || !thread) return { text: `${plain(alias)} has no thread yet. Please try again in a moment.` };
  const data = new TextEncoder().encode(`${record.lines.join('\n')}\n`);
  const name = `${alias}-record.jsonl`;
  const alt = `The record of ${alias}, ${record.lines.length} lines`;
  desk.later(() => desk.slack.upload({ channel, thread, name, data, title: `Record of ${alias}`, alt }));
  return {
    text: `The record of ${plain(alias)} ${record.ended ? 'has' : 'so far has'} ${record.lines.length} lines, head ${record.head}. I am putting it into its thread.`,
  };
}

async function stop(desk: Desk, given: Given, s: Session): Promise<Answer> {
  const by = given.user_id;
  const [may, standing] = await Promise.all([mayChange(desk, by), standingOf(desk, s, by)]);
  if (!may.ok) return { text: may.why };
  if (standing !== 'requester' && standing !== 'approver')
    return { text: `Only <@${s.opened.by}>, who asked for it, or an approver may stop ${plain(s.opened.alias)}.` };
  const stored = await store(desk, `cmd:${given.trigger_id}`, { do: 'tell', session: s.id, by, text: 'Stop.', ts: null, kind: 'stop', standing });
  if (stored.is === 'unsure') tellLater(desk, given, stored.settled);
  return { text: whyNot(stored) ?? `Stopping ${plain(s.opened.alias)}.` };
}
