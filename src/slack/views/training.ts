import type { LineChart } from '../../charts/chart.ts';
import { slackLineChart } from '../../charts/slack-chart.ts';
import { textSparkline } from '../../charts/sparkline.ts';
import { cut, plain } from '../../policy/outside-text.ts';
import type { RunProgress } from '../../runtime/progress.ts';
import type { Block } from '../../services/slack.ts';
import { LIMITS } from './limits.ts';

/** Runs named one by one; the rest are counted. */
const NAMED = 6;
/** A curve of fewer points says nothing. */
const LEAST_POINTS = 3;

/** What is known of runs that are waited for: a line or two each, in plain words. */
export function trainingLines(runs: readonly RunProgress[]): string[] {
  const several = runs.length > 1;
  const lines = runs.slice(0, NAMED).flatMap((run) => {
    const state = [`${run.status.toLowerCase()}${run.elapsed_s === null ? '' : ` ${run.ended ? 'after' : 'for'} ${time(run.elapsed_s)}`}`, ...eta(run)].join(
      ', ',
    );
    return [`${several ? `${run.name}: ` : ''}${state}`, ...curveLine(run)];
  });
  return runs.length > NAMED ? [...lines, `and ${runs.length - NAMED} more runs`] : lines;
}

/** The curves so far, over each other, as Slack's own chart; null while there is too little to draw. */
export function trainingChart(runs: readonly RunProgress[]): Block | null {
  const drawn = runs.filter((run) => run.metric !== null && run.curve.length >= LEAST_POINTS).slice(0, LIMITS.chartSeries);
  const metric = drawn[0]?.metric;
  if (!metric) return null;
  return slackLineChart(
    escaped({
      title: `${metric} so far`,
      xLabel: 'step',
      yLabel: metric,
      series: drawn
        .filter((run) => run.metric === metric)
        .map((run) => ({ name: runs.length > 1 ? run.name : metric, points: run.curve.map(([x, y]) => ({ x, y })) })),
    }),
    { leaveOut: true },
  );
}

/** Names come from outside and count against a chart's own short limits, which know nothing of escapes. */
export function escaped(chart: LineChart): LineChart {
  const name = (text: string, most: number) => cut(plain(text), most);
  return {
    ...chart,
    title: name(chart.title, LIMITS.chartTitle),
    xLabel: name(chart.xLabel, LIMITS.chartTitle),
    yLabel: name(chart.yLabel, LIMITS.chartTitle),
    series: chart.series.map((s) => ({ ...s, name: name(s.name, 2 * LIMITS.chartName) })),
  };
}

/** From the job's own past, and said as such: an estimate that hides where it comes from is a promise. */
function eta({ ended, elapsed_s, usual }: RunProgress): string[] {
  if (ended || !usual || elapsed_s === null) return [];
  const past = `median of ${usual.of} past ${usual.of === 1 ? 'success' : 'successes'}`;
  const left = usual.s - elapsed_s;
  return left > 0 ? [`about ${time(left)} left (${past}: ${time(usual.s)})`] : [`longer than usual (${past}: ${time(usual.s)})`];
}

function curveLine({ metric, at, curve }: RunProgress): string[] {
  if (metric === null || at === null) return [];
  return [`${at}: ${metric} ${textSparkline(curve.map(([x, y]) => ({ x, y })))}`];
}

function time(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 360) / 10} h`;
}
