import { ToolError } from './define-tool.ts';
import { isoTime } from './iso-time.ts';

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Reads what Grafana users write: `now`, `now-6h`, epoch ms, or an ISO time, in UTC where it names no zone. Answers epoch ms. */
export function momentOf(text: string, now: number): number {
  const relative = /^now(?:-(\d{1,6})([smhdw]))?$/.exec(text.trim());
  if (relative) return now - Number(relative[1] ?? 0) * (UNITS[relative[2] ?? 's'] ?? 0);
  const moment = /^\d{12,14}$/.test(text.trim()) ? Number(text) : isoTime(text);
  if (moment !== null) return moment;
  throw new ToolError('BAD_TIME', `${JSON.stringify(text.slice(0, 60))} is no time.`, 'give now-6h, an ISO time (UTC without a zone), or epoch milliseconds.');
}

/** From and to, in order, over at most 400 days. */
export function rangeOf(from: string, to: string, now: number): { from: number; to: number } {
  const range = { from: momentOf(from, now), to: momentOf(to, now) };
  if (range.from >= range.to) throw new ToolError('BAD_TIME', `${from} is not before ${to}.`, 'give an earlier from or a later to.');
  if (range.to - range.from > 400 * 86_400_000) throw new ToolError('BAD_TIME', 'The range is longer than 400 days.', 'give a shorter one.');
  return range;
}
