import type { LineChart } from '../charts/chart.ts';
import { comparisonOf, rankingOf } from '../session/findings.ts';
import type { Call, Session } from '../session/state.ts';
import type { Slot } from './narrate.ts';
import { differing } from './views/differs.ts';
import { fitted } from './views/limits.ts';
import { questionMessage } from './views/messages.ts';
import { readQuestion } from './views/question.ts';
import { rankingChart, rankingMessage } from './views/ranking.ts';
import { curveChart, verdictMessage } from './views/verdict.ts';
import { outcomeOf, stepTitle } from './views/words.ts';

/** What the thread shows of one call beside its card: a question, a verdict, a ranking, pictures. */
export function callSlots(s: Session, call: Call | undefined): Slot[] {
  if (!call) return [];
  const outcome = outcomeOf(call);
  const question = readQuestion(s, call);
  return [
    ...(question ? [{ name: `question:${call.id}`, thread: true, ...questionMessage(question) }] : []),
    ...verdict(s, call),
    ...ranking(s, call),
    ...(outcome?.images ?? []).map((image, i): Slot => {
      const name = `${s.opened.alias}-${call.id}-${i}.${image.media_type.split('/')[1] ?? 'png'}`;
      return { name: `image:${call.id}:${i}`, thread: true, file: { name, title: image.alt || stepTitle(call.tool), alt: image.alt, sha256: image.sha256 } };
    }),
  ];
}

function verdict(s: Session, call: Call): Slot[] {
  const compared = comparisonOf(call);
  if (!compared) return [];
  const name = `verdict:${call.id}`;
  const below = differing(compared);
  const { text, blocks } = verdictMessage(compared);
  const message = { text: [text, below.text].filter(Boolean).join('\n'), blocks: fitted([...blocks, ...below.blocks]) };
  return [{ name, thread: true, ...message }, ...picture(s, name, curveChart(compared))];
}

function ranking(s: Session, call: Call): Slot[] {
  const ranked = rankingOf(call);
  if (!ranked) return [];
  const name = `ranking:${call.id}`;
  return [{ name, thread: true, ...rankingMessage(ranked) }, ...picture(s, name, rankingChart(ranked))];
}

/** The same chart as a picture, for where Slack did not take its own. */
function picture(s: Session, of: string, chart: LineChart | null): Slot[] {
  if (!chart || chart.series.length === 0) return [];
  const file = {
    name: `${s.opened.alias}-${of.replace(/[^\w-]/g, '-')}.png`,
    title: chart.title,
    alt: `${chart.title}, as curves over the steps`,
    chart,
    instead: of,
  };
  return [{ name: `picture:${of}`, thread: true, file }];
}
