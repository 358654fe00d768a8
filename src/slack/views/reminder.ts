import type { Block } from '../../services/slack.ts';
import type { Decision } from './decision.ts';
import { fallback, fitted } from './limits.ts';
import { linked } from './links.ts';
import { actions, type Bit, bold, bullets, button, channel, clock, link, para, rich, t, user } from './rich.ts';

type Message = { text: string; blocks: Block[] };

/** Half the time is over: the approvers are mentioned once more. When everything is decided it says so. */
export function reminderMessage(open: readonly Decision[], mayApprove: (tool: string) => Bit[], url: string | null): Message {
  const [first] = open;
  if (!first)
    return {
      text: fallback('Everything above is decided, so this reminder no longer matters.'),
      blocks: [rich(para(t('Everything above is decided, so this reminder no longer matters.')))],
    };
  const who = new Map(open.map((d) => [JSON.stringify(mayApprove(d.tool)), mayApprove(d.tool)]));
  const until = `expires ${clock(first.approval.expiresAt)}`;
  const blocks = [
    rich(
      para(bold('Still waiting for a decision'), t(', '), ...[...who.values()].flatMap((bits, i) => (i > 0 ? [t(' and '), ...bits] : bits)), t('. ')),
      bullets(open.map(({ approval }) => [t(`${approval.preview.summary}, expires ${clock(approval.expiresAt)}`)])),
      para(...(url ? [link(url, 'To the card')] : [t('The card is above.')])),
    ),
  ];
  return { text: fallback(`Still waiting for a decision: ${first.approval.preview.summary}, ${until}`), blocks: fitted(blocks) };
}

/** In the thread, when the card stands elsewhere; or when it should and could not, and so nobody has been asked: `tell` is told. */
export function askedElsewhere(where: string, url: string | null, open: boolean, tell: string | null): Message {
  if (tell !== null && open)
    return {
      text: fallback('The approval could not be asked for: labmate may not post where its approvers are.'),
      blocks: [
        rich(
          para(user(tell), t(' Nobody has been asked yet: labmate may not post in '), channel(where), t(', where its approvers are.')),
          para(t('Somebody in there has to invite it (/invite @labmate); the card follows within five minutes.')),
        ),
      ],
    };
  const words = open ? 'The approval is asked for in ' : 'The approval was asked for in ';
  return { text: fallback(`${words}another channel.`), blocks: [rich(para(t(words), channel(where), t('. '), ...(url ? [link(url, 'To the card')] : [])))] };
}

/** A budget is used up. Each limit that was reached has its own message, which says what became of it. */
export function limitMessage(o: { session: string; requester: string; text: string; open: boolean; raisedBy: string | null; mayRaise: Bit[] }): Message {
  const end = o.raisedBy
    ? [t('Raised by '), user(o.raisedBy), t('.')]
    : [t(o.open ? 'It waits here until somebody raises it. May raise it: ' : 'Nobody raised it.'), ...(o.open ? o.mayRaise : [])];
  const blocks = [
    rich(para(bold('A limit is reached'), t(' '), ...(o.open ? [user(o.requester)] : [])), para(t(o.text)), para(...end)),
    ...(o.open
      ? [actions(`limit:${o.session}`, button('raise_budget', 'Double the limits', o.session, 'primary'), button('stop_session', 'Stop', o.session, 'danger'))]
      : []),
  ];
  return { text: fallback(`A limit is reached: ${o.text}${o.raisedBy ? ' It was raised.' : ''}`), blocks: fitted(blocks) };
}

/** The session was stopped while its runs go on. `became`: what came of them, once it is over; `left`: some of them still go on, as far as is known. */
export function offerMessage(o: {
  session: string;
  requester: string;
  text: string;
  became: string | null;
  left: boolean;
  answer: { by: string; cancel: boolean } | undefined;
  known: ReadonlyMap<string, string>;
}): Message {
  const over = o.became !== null;
  const asks = !over && !o.answer;
  const heading = over ? 'A run went on' : 'A run goes on';
  const text = o.became ?? o.text;
  const unanswered = asks ? 'Without an answer within 15 minutes it is left running.' : o.left ? 'Nobody answered within 15 minutes.' : '';
  const end = o.answer ? [t('Answered by '), user(o.answer.by), t(': '), bold(o.answer.cancel ? CANCEL : LEAVE)] : unanswered ? [t(unanswered)] : [];
  const blocks = [
    rich(para(bold(heading), ...(asks ? [t(' '), user(o.requester)] : [])), para(...linked(text, o.known)), ...(end.length > 0 ? [para(...end)] : [])),
    ...(asks ? [actions(`offer:${o.session}`, button('cancel_run', CANCEL, o.session, 'danger'), button('leave_run', LEAVE, o.session))] : []),
  ];
  return { text: fallback(`${heading}. ${text}`), blocks: fitted(blocks) };
}

const CANCEL = 'Cancel the run';
const LEAVE = 'Leave it';
