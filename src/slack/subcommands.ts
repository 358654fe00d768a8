import { plain } from '../policy/outside-text.ts';
import type { About } from '../runtime/reading.ts';
import { isReview } from '../session/door.ts';
import type { Session } from '../session/state.ts';
import { help, listed, shown } from './answers.ts';
import { best, compare } from './ask-runs.ts';
import { type Answer, type Desk, maySteer } from './desk.ts';
import { find } from './find.ts';
import { type Given, idFrom, reply, tellLater } from './given.ts';
import { myApprovals } from './my-approvals.ts';
import type { Ref, Typed } from './parse-command.ts';
import { rerun } from './rerun.ts';
import { store, whyNot } from './store.ts';
import { trouble } from './trouble.ts';
import { served, threadUrl, whichSession } from './which-session.ts';

/** Answers a subcommand, privately. */
export async function subcommand(desk: Desk, given: Given, typed: Exclude<Typed, { is: 'prompt' | 'empty' | 'suggestion' }>): Promise<Answer> {
  const by = given.user_id;
  switch (typed.is) {
    case 'help':
      return help();
    case 'status':
      return listed('Running or waiting now', (await served(desk, by)).filter(isOpen), 'Nothing is running or waiting.', 20);
    case 'list':
      return listed('The latest experiments', await served(desk, by), 'There is no experiment yet. Describe one: /experiment SENTENCE');
    case 'approvals':
      return myApprovals(desk, by);
    case 'find':
      return afterwards(desk, given, () => find(desk, typed, by));
    case 'compare':
      return afterwards(desk, given, () => compare(desk, typed.a, typed.b, by));
    case 'best':
      return afterwards(desk, given, () => best(desk, typed.experiment, typed.metric));
    case 'show':
      return withSession(desk, typed.id, by, (s) => show(desk, s, by));
    case 'record':
      return withSession(desk, typed.id, by, (s) => record(desk, given, s));
    case 'stop':
      return withSession(desk, typed.id, by, (s) => stop(desk, given, s));
    case 'rerun':
      // An approver may look at what they are asked about and stop it; to have it done again, in a channel even, is the requester's.
      return withSession(desk, typed.id, by, (s) => again(desk, given, s, typed.changes), { forApprovers: false });
    default:
      return typed satisfies never;
  }
}

function isOpen({ endedAt }: About): boolean {
  return endedAt === null;
}

async function withSession(
  desk: Desk,
  ref: Ref,
  by: string,
  then: (s: Session) => Promise<Answer>,
  { forApprovers } = { forApprovers: true },
): Promise<Answer> {
  const session = await whichSession(desk, ref, by, { forApprovers });
  return 'why' in session ? { text: session.why } : then(session);
}

/** Gives the answer at the response_url: what takes a look at a backend or at everything there is must not hold up the acknowledgement. */
function afterwards(desk: Desk, given: Given, work: () => Promise<Answer>): Answer {
  desk.later(async () => {
    const answer = await work().catch((error: unknown): Answer => {
      desk.log.error({ why: error instanceof Error ? (error.stack ?? error.message) : String(error) }, 'a subcommand could not be answered');
      return { text: trouble(error) };
    });
    // Better the words alone than nothing, should Slack not take the blocks.
    await reply(desk, given, answer).catch(() => reply(desk, given, { text: answer.text }));
  });
  return { text: '' };
}

async function show(desk: Desk, s: Session, by: string): Promise<Answer> {
  const first = s.opened.rerun_of?.first ?? s.id;
  const [url, all] = await Promise.all([threadUrl(desk, s.id), served(desk, by)]);
  return shown(s, url, 1 + all.filter((a) => a.line?.first === first).length);
}

async function again(desk: Desk, given: Given, s: Session, changes: Record<string, string>): Promise<Answer> {
  const { team_id: team, channel_id: channel, user_id: by, trigger_id: trigger } = given;
  const { settled, ...answer } = await rerun(desk, { key: `cmd:${trigger}`, id: idFrom(team, channel, trigger), by, channel }, s, changes);
  if (settled !== undefined) tellLater(desk, given, settled);
  return answer;
}

async function record(desk: Desk, given: Given, s: Session): Promise<Answer> {
  const [record, root, url] = await Promise.all([desk.reading.lines(s.id), desk.reading.root(s.id), threadUrl(desk, s.id)]);
  const { alias, channel } = s.opened;
  if (record && s.opened.door === 'mcp')
    return {
      text: [
        `The record of ${plain(alias)}${record.ended ? '' : ' so far'} has ${record.lines.length} lines, head ${record.head}.`,
        isReview(s)
          ? 'It belongs to a question that labmate itself asked, so it has no thread to go into:'
          : 'It belongs to what an MCP client did, so it has no thread to go into: the client reads it with get_experiment_record,',
        `an operator prints it with: labmate record ${plain(alias)}`,
      ].join(' '),
    };
  const thread = s.opened.thread ?? root?.ts;
  if (!record || !thread) return { text: `${plain(alias)} has no thread yet. Please try again in a moment.` };
  const data = new TextEncoder().encode(`${record.lines.join('\n')}\n`);
  const file = {
    channel,
    thread,
    name: `${alias}-record.jsonl`,
    data,
    title: `Record of ${alias}`,
    alt: `The record of ${alias}, ${record.lines.length} lines`,
  };
  desk.later(() =>
    desk.slack.upload(file).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : '';
      return reply(desk, given, {
        text: plain(`The record of ${alias} could not be put into its thread. ${why} An operator can print it: labmate record ${alias}`),
      });
    }),
  );
  return {
    text: `The record of ${plain(alias)} ${record.ended ? 'has' : 'so far has'} ${record.lines.length} lines, head ${record.head}. I am putting it into its thread${url ? `: ${url}` : ''}.`,
  };
}

async function stop(desk: Desk, given: Given, s: Session): Promise<Answer> {
  const by = given.user_id;
  const may = await maySteer(desk, s, by, `stop ${plain(s.opened.alias)}`);
  if (!may.ok) return { text: may.why };
  const stored = await store(desk, `cmd:${given.trigger_id}`, { do: 'tell', session: s.id, by, text: 'Stop.', ts: null, kind: 'stop', standing: may.standing });
  if (stored.is === 'unsure') tellLater(desk, given, stored.settled);
  return { text: whyNot(stored) ?? `Stopping ${plain(s.opened.alias)}.` };
}
