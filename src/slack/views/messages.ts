import { plainLine, plainWords, quotedWords, richWords } from '../../policy/model-words.ts';
import { named, plain } from '../../policy/outside-text.ts';
import type { Block } from '../../services/slack.ts';
import { fallback, fitted, LIMITS, textIn } from './limits.ts';
import { actions, type Bit, bold, bullets, button, clock, context, link, numbered, para, quote, rich, t, user } from './rich.ts';

type Message = { text: string; blocks: Block[] };

/** As much of a prompt as stands in the root message. */
export const QUOTED = 1_500;

/** The session's first message: its id, who asks, and what. */
export function rootMessage(o: {
  alias: string;
  by: string;
  prompt: string;
  model: string;
  follows: boolean /** The request stands right above where it was a message of its own to the app. */;
  quoted?: boolean;
  line?: string;
}): Message {
  const left = o.prompt.length - QUOTED;
  const blocks = [
    rich(
      para(bold(o.alias), t(o.follows ? ': ' : ' for '), ...(o.follows ? [t('going on for '), user(o.by)] : [user(o.by)])),
      ...(o.quoted === false && left <= 0 ? [] : [quote(left > 0 ? `${named(o.prompt.slice(0, QUOTED))}…` : named(o.prompt))]),
    ),
    ...(o.line ? [context(o.line)] : []),
    ...(left > 0 ? [context(`${left} more characters; the whole is the first file in this thread.`)] : []),
    context(`Reply here to change it or to go on with it. Model ${o.model}; /experiment record ${o.alias} gives the whole record.`),
  ];
  return { text: fallback(`${o.alias}: ${named(o.prompt.slice(0, QUOTED))}${left > 0 ? `… (${left} more characters)` : ''}`), blocks: fitted(blocks) };
}

/** What the model says on the way. */
export function saidMessage(words: string, known: ReadonlyMap<string, string>): Message {
  return { text: fallback(plainWords(named(words))), blocks: fitted([rich(...richWords(named(words), known))]) };
}

/** What becomes of a message that came while an approval was open: it waits, the model reads it next, or everything ended before it did. */
export type Kept = 'waits' | 'read' | 'never read';

const KEPT: Readonly<Record<Kept, string>> = {
  waits:
    'I have kept this message and will read it once the approval above is decided. If it changes what should be done, press “Change the plan”: that takes the question back, and I plan again.',
  read: 'I kept this message while the approval above was open; it is read now.',
  'never read':
    'I kept this message while the approval above was open, but the experiment was over before it could be read. To have it counted, write it here again, or press “Change something” at the end of this thread and add it there.',
};

/** A message came while an approval is open. */
export function keptMessage(session: string, by: string, kept: Kept): Message {
  const words = KEPT[kept];
  const offer = kept === 'waits' ? [actions(`kept:${session}`, button('change_session', 'Change the plan', session))] : [];
  return { text: fallback(words), blocks: fitted([rich(para(user(by), t(': '), t(words))), ...offer]) };
}

/** Somebody wrote a credential to us. `stands`: in a message of theirs, in one that somebody chose, or in none, as with a command's and a form's words. */
export function rotateMessage(by: string, stands: 'own' | 'chosen' | 'nowhere'): Message {
  const what = { own: 'Your message', chosen: 'That message', nowhere: 'These words' }[stands];
  const then =
    stands === 'nowhere'
      ? 'No message shows it, but it went through Slack: please rotate the credential.'
      : 'It still stands in Slack: please delete the message, or have it deleted, and rotate the credential.';
  const words = `${what} held a credential. I have cut it out of all that I keep and of what the model reads. ${then}`;
  return { text: fallback(words), blocks: fitted([rich(para(user(by), t(': '), t(words)))]) };
}

/** Something a person has to look at before it goes on. */
export function attentionMessage(o: { session: string; requester: string; text: string; open: boolean }): Message {
  const blocks = [
    rich(para(bold(o.open ? 'Needs attention' : 'Needed attention'), t(' '), ...(o.open ? [user(o.requester)] : [])), para(t(o.text))),
    ...(o.open ? [actions(`attention:${o.session}`, button('retry_step', 'Try again', o.session, 'primary'))] : []),
  ];
  return { text: fallback(`Needs attention: ${o.text}`), blocks: fitted(blocks) };
}

export type Question = {
  /** `session/call`. */
  ref: string;
  question: string;
  options: readonly string[];
  to: string | null;
  freeText: boolean;
  answer: { by: string; text: string; at: string } | null;
  /** Whose message came while several questions were open: it is read in place of an answer. */
  instead: string | null;
  open: boolean;
};

/** A question of the model to a person. Each option is a button in a block of its own, because Slack wants action ids unique within a block. */
export function questionMessage(q: Question): Message {
  const options = q.options.map(plainLine);
  // What is escaped takes more room.
  const short = options.every((o) => plain(o).length <= LIMITS.button);
  const answer = q.answer && { ...q.answer, text: q.options.includes(q.answer.text) ? plainLine(q.answer.text) : named(q.answer.text) };
  const how =
    q.options.length > 0 && q.freeText ? 'Choose, or answer in this thread.' : q.options.length > 0 ? 'Please choose.' : 'Please answer in this thread.';
  const state: Bit[] = answer
    ? [t('Answered by '), user(answer.by), t(` at ${clock(answer.at)}: `), bold(answer.text)]
    : q.instead
      ? [user(q.instead), t(' wrote while several questions were open; anything still open is asked again.')]
      : [t(q.open ? how : 'Not needed any more.')];
  const blocks: Block[] = [
    rich(
      para(bold('A question'), ...(q.to && q.open && !answer ? [t(' for '), user(q.to)] : [])),
      quotedWords(q.question),
      ...(q.options.length > 0 && (!short || !q.open) ? [numbered(options.map((o) => [t(o)]))] : []),
      para(...state),
    ),
    ...(q.open && !answer ? options.map((o, i) => actions(`${i}:${q.ref}`, button('answer_person', short ? o : `Option ${i + 1}`, `${q.ref}/${i}`))) : []),
  ];
  const tail = answer ? `Answered: ${answer.text}` : options.map((o) => `- ${o}`).join('\n');
  return { text: fallback(`A question: ${plainWords(named(q.question))}`, tail), blocks: fitted(blocks) };
}

export type Final = {
  requester: string;
  heading: string;
  words: string;
  /** Who stopped it: named here, as the words are read by everybody. */
  stoppedBy?: string | undefined;
  /** Pages with a short name each. */
  known?: ReadonlyMap<string, string> | undefined;
  /** What was done to the world, with links. */
  did: { text: string; url: string | null }[];
  /** How much of the model it used. */
  cost?: string | undefined;
  lines: number;
  head: string;
  /** A follow-up that called no tool: only its answer. */
  bare: boolean;
  /** The session, where it can be run again: `asItWas`, or only with something changed. */
  again?: { session: string; asItWas: boolean } | undefined;
};

function againButtons({ session, asItWas }: NonNullable<Final['again']>): Block {
  const changed = button('rerun_changed', 'Change something', session);
  return actions(`again:${session}`, ...(asItWas ? [button('rerun_session', 'Run again', session)] : []), changed);
}

/** Whose it is, so that they see it; behind the name of whoever stopped it, a second name alone reads as if both had. */
function toRequester({ requester, stoppedBy }: Final): Bit[] {
  if (stoppedBy === requester) return [];
  return stoppedBy ? [t('; '), user(requester), t(' had asked for the experiment')] : [t(', '), user(requester)];
}

/** The last message: the answer, what was done, and the record's head. */
export function finalMessage(f: Final): Message {
  const record = `record: ${f.lines} lines, head ${f.head}`;
  const heading = f.bare ? [] : [para(bold(f.heading), ...(f.stoppedBy ? [t(' by '), user(f.stoppedBy)] : []), ...toRequester(f))];
  const done = f.did.length > 0 ? [para(t('What was done:')), bullets(f.did.slice(0, 20).map((d) => [d.url ? link(d.url, d.text) : t(d.text)]))] : [];
  const below = [context(f.bare || !f.cost ? record : `${f.cost} · ${record}`), ...(f.again ? [againButtons(f.again)] : [])];
  const room = LIMITS.message - textIn([rich(...heading, ...done), ...below]);
  const blocks: Block[] = [rich(...heading, ...(f.words ? richWords(named(f.words), f.known, room) : []), ...done), ...below];
  const did = f.did.map((d) => `- ${d.text}${d.url ? ` ${d.url}` : ''}`);
  return {
    text: fallback(f.bare ? '' : f.heading, plainWords(named(f.words)), ...did, ...(f.bare || !f.cost ? [] : [f.cost]), record),
    blocks: fitted(blocks),
  };
}
