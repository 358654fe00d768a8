import type { Block } from '../../services/slack.ts';
import type { Compared } from '../../session/findings.ts';
import { type Bit, bold, bullets, context, mono, para, rich, t } from './rich.ts';

const SHOWN = 15;

/** The parameters in which two runs differ, for below their verdict; nothing where the comparison does not say. */
export function differing({ params }: Compared): { text: string; blocks: Block[] } {
  if (!params) return { text: '', blocks: [] };
  const { changed, added, removed, same_count: alike } = params;
  const lines: { words: string; bits: Bit[] }[] = [
    ...changed.map((p) => ({ words: `${p.key}: ${p.baseline} → ${p.candidate}`, bits: [mono(p.key), t(` ${p.baseline} → ${p.candidate}`)] })),
    ...added.map((p) => ({ words: `${p.key}: only in the candidate`, bits: [mono(p.key), t(' only in the candidate')] })),
    ...removed.map((p) => ({ words: `${p.key}: only in the baseline`, bits: [mono(p.key), t(' only in the baseline')] })),
  ];
  if (lines.length === 0) return { text: '', blocks: [context(`No parameter differs (${alike} are alike).`)] };
  const more = lines.length > SHOWN ? [para(t(`${lines.length - SHOWN} more.`))] : [];
  const shown = lines.slice(0, SHOWN);
  return {
    text: ['Parameters that differ:', ...shown.map((line) => line.words)].join('\n'),
    blocks: [rich(para(bold('Parameters that differ'), t(` (${alike} are alike)`)), bullets(shown.map((line) => line.bits)), ...more)],
  };
}
