import { allOf, countOf } from '../../analysis/numbers.ts';
import type { Block } from '../../services/slack.ts';
import { fallback, fitted } from './limits.ts';
import { actions, bold, button, para, rich, t } from './rich.ts';

/** As many as are named; the others are counted. */
const NAMED = 20;

/** One message a channel for a backend that has been away for a day, with one button for all who wait for it. When it is over it says so. */
export function outageMessage(o: { id: string; upstream: string; since: string; waiting: readonly string[] }): { text: string; blocks: Block[] } {
  const since = `${o.since.slice(0, 10)} ${o.since.slice(11, 16)} UTC`;
  const n = o.waiting.length;
  if (n === 0) {
    const words = `${o.upstream} did not answer for long, since ${since}. Nobody here waits for it any more; what waited has gone on by itself.`;
    return { text: fallback(words), blocks: [rich(para(t(words)))] };
  }
  const who = `${countOf(n, 'experiment')} here wait${n === 1 ? 's' : ''} for it: ${o.waiting.slice(0, NAMED).join(', ')}${n > NAMED ? ` and ${n - NAMED} more` : ''}.`;
  const heading = `${o.upstream} has not answered for over a day`;
  const rest = `Since ${since} nobody has had an answer from it. ${who} ${n === 1 ? 'It goes' : 'They go'} on by ${n === 1 ? 'itself' : 'themselves'} once it answers; nothing is lost meanwhile.`;
  const blocks = [
    rich(para(bold(heading)), para(t(rest))),
    actions(o.id, button('retry_all', n === 1 ? 'Try it now' : `Try ${allOf(n)} now`, o.id, 'primary')),
  ];
  return { text: fallback(`${heading}. ${rest}`), blocks: fitted(blocks) };
}
