import { noiseInWords } from '../analysis/noise.ts';
import { percent, signed } from '../analysis/numbers.ts';
import { verdictTitle } from '../analysis/verdict.ts';
import { type Compared, comparisonOf } from './findings.ts';
import { code, inCell, link, prose } from './quote.ts';
import { saidOf } from './said.ts';
import type { Call } from './state.ts';

/** What a comparison found, from the values its tool stored and never from the model's words; nothing for any other call. */
export function numbersOf(call: Call): string[] {
  const { tool, status } = call;
  if (tool !== 'compare_runs' || status.is !== 'finished') return [];
  if (status.outcome.status !== 'ok') return [`The comparison failed: ${prose(saidOf(status.outcome), 400)}`];
  const found = comparisonOf(call);
  if (!found) return [prose(saidOf(status.outcome), 2000)];
  const { baseline, candidate, primary, metrics, params, noise, warnings } = found;
  const chance = noise ? noiseInWords(noise, warnings) : '';
  const rows = metrics
    .slice(0, 20)
    .map(
      (m) =>
        `| ${code(m.key)} | ${inCell(m.baseline)} | ${inCell(m.candidate)} | ${m.delta === null ? '' : signed(m.delta)} | ${m.delta_pct === null ? '' : percent(m.delta_pct)} |`,
    );
  return [
    primary ? `**${verdictTitle(primary.verdict).words}**: ${prose(primary.verdict_reason, 800)}` : 'No verdict: no metric was named for it.',
    `Candidate ${named(candidate)}, baseline ${named(baseline)}`,
    ...(rows.length > 0 ? [['| metric | baseline | candidate | change | change, relative |', '| --- | ---: | ---: | ---: | ---: |', ...rows].join('\n')] : []),
    ...(params && params.changed.length > 0
      ? [`Parameters that differ: ${params.changed.map((p) => `${code(p.key, 60)} ${code(p.baseline, 80)} → ${code(p.candidate, 80)}`).join(', ')}`]
      : []),
    ...(chance ? [`Noise: ${prose(chance)}`] : []),
    ...(warnings.length > 0 ? [warnings.map((warning) => `- ${prose(warning, 600)}`).join('\n')] : []),
  ];
}

function named({ run_id, name, url }: Compared['baseline']): string {
  return `${code(run_id)}${name ? ` (${prose(name, 80)})` : ''}${url ? ` ${link(url)}` : ''}`;
}
