import { noiseInWords } from '../../analysis/noise.ts';
import { figure } from '../../analysis/numbers.ts';
import type { LineChart } from '../../charts/chart.ts';
import { slackLineChart } from '../../charts/slack-chart.ts';
import { textSparkline } from '../../charts/sparkline.ts';
import type { Block } from '../../services/slack.ts';
import type { Ranked } from '../../session/findings.ts';
import { fallback, fitted } from './limits.ts';
import { bold, bullets, context, mono, para, rich, t } from './rich.ts';
import { escaped } from './training.ts';

/** All runs of a wait on one chart, the best named with the gap to the next and what is known of chance. */
export function rankingMessage(r: Ranked): { text: string; blocks: Block[] } {
  const title = headline(r);
  const chart = slackLineChart(escaped(rankingChart(r)), { leaveOut: true });
  const lines = r.curves.map((c) => ({ name: c.name, curve: textSparkline(pointsOf(c)) }));
  const left = r.curves.length - (chart?.chart.series.length ?? r.curves.length);
  const blocks: Block[] = [
    rich(
      para(bold(title)),
      ...(r.runner_up && r.best ? [para(t(`Next is ${r.runner_up.name} with ${figure(r.runner_up.value)}.`))] : []),
      ...(r.noise ? [para(t(`Noise: ${noiseInWords(r.noise)}`))] : []),
      bullets(lines.map(({ name, curve }) => [t(`${name} `), mono(curve)])),
    ),
    ...(chart ? [chart] : []),
    ...(left > 0
      ? [
          context(
            `The chart shows ${chart?.chart.series.length} of ${r.curves.length} runs, those it has room for and that have values over most of its steps; all are in the list above.`,
          ),
        ]
      : []),
  ];
  return {
    text: fallback(title, r.noise ? `Noise: ${noiseInWords(r.noise)}` : '', ...lines.map(({ name, curve }) => `${name}: ${curve}`)),
    blocks: fitted(blocks),
  };
}

/** The same runs as one chart, for Slack and for a picture. The best comes first: where there is not room for all, it must be among those shown. */
export function rankingChart(r: Ranked): LineChart {
  const drawn = r.curves.filter((c) => c.points.length > 1);
  const first = (c: { run_id: string }) => Number(c.run_id !== r.best?.run_id);
  return {
    title: `${r.metric}: ${r.of} runs`,
    xLabel: 'step',
    yLabel: r.metric,
    series: [...drawn].sort((a, b) => first(a) - first(b)).map((c) => ({ name: c.name, points: pointsOf(c) })),
  };
}

function headline({ metric, direction, best, considered, of }: Ranked): string {
  if (!direction) return `${of} runs; whether higher or lower ${metric} is better is not known`;
  if (!best) return `None of ${of} runs finished with a finite ${metric}`;
  return `Best of ${of}: ${best.name}, ${metric} ${figure(best.value)}${considered < of ? ` (${considered} finished)` : ''}`;
}

function pointsOf(curve: Ranked['curves'][number]) {
  return curve.points.map(([x, y]) => ({ x, y: typeof y === 'number' ? y : null }));
}
