import { Resvg } from '@resvg/resvg-js';
import type { ReceivedSpan } from './otlp-receiver.ts';

const LEFT = 470;
const WIDTH = 760;
const ROW = 19;
const GAP = 46;
const COLOURS = { invoke_agent: '#1d3a4a', chat: '#cc79a7', execute_tool: '#0072b2', request: '#9db8c4', error: '#d55e00' };

/** A session's traces below one another, as a picture: each turn with what happened in it, on one scale of time; the sleep between two turns is a gap. */
export function drawTrace(spans: readonly ReceivedSpan[]): { svg: string; png: Buffer } {
  const turns = spans.filter((s) => s.name === 'invoke_agent labmate').sort((a, b) => a.start - b.start);
  const awake = turns.reduce((sum, t) => sum + (t.end - t.start), 0);
  const scale = (WIDTH - GAP * (turns.length - 1)) / awake;
  const parts: string[] = [];
  let y = 64;
  let x = LEFT;
  for (const [i, turn] of turns.entries()) {
    const before = turns[i - 1];
    if (before) {
      const asleep = turn.start - before.end;
      const why = String(before.attributes['labmate.state']);
      parts.push(text(LEFT - 12, y + 9, `asleep ${seconds(asleep)}: ${why}`, 'end', '#777777', 'italic'));
      parts.push(`<line x1="${x - GAP}" x2="${x}" y1="${y + 5}" y2="${y + 5}" stroke="#bbbbbb" stroke-dasharray="3 4"/>`);
      y += ROW + 4;
    }
    for (const { span, depth } of below(turn, spans, 0)) {
      const [from, to] = [x + (span.start - turn.start) * scale, x + (span.end - turn.start) * scale];
      parts.push(text(14 + depth * 18, y + 9, labelOf(span, i), 'start', depth === 0 ? '#111111' : '#333333', depth === 0 ? 'bold' : ''));
      parts.push(text(LEFT - 12, y + 9, resultOf(span), 'end', '#777777', ''));
      parts.push(`<rect x="${from.toFixed(1)}" y="${y}" width="${Math.max(2, to - from).toFixed(1)}" height="11" rx="2" fill="${colourOf(span)}"/>`);
      parts.push(text(Math.max(from + 2, to) + 6, y + 9, seconds(span.end - span.start), 'start', '#777777', ''));
      y += ROW;
    }
    x += (turn.end - turn.start) * scale + GAP;
    y += 4;
  }
  const height = y + 16;
  const total = (turns.at(-1)?.end ?? 0) - (turns[0]?.start ?? 0);
  const title = `One session, ${turns.length} turns, ${seconds(awake)} awake of ${seconds(total)}`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 90}" height="${height}" font-family="Lato, DejaVu Sans, sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>${text(14, 26, title, 'start', '#111111', 'title')}${text(14, 44, 'Each turn is a trace of its own, linked to the one before; between two turns nothing of labmate runs for this session.', 'start', '#555555', '')}
${parts.join('\n')}
</svg>`;
  return { svg, png: new Resvg(svg, { font: { loadSystemFonts: true }, fitTo: { mode: 'zoom', value: 1.5 } }).render().asPng() };
}

function below(span: ReceivedSpan, all: readonly ReceivedSpan[], depth: number): { span: ReceivedSpan; depth: number }[] {
  const children = all.filter((s) => s.traceId === span.traceId && s.parentSpanId === span.spanId).sort((a, b) => a.start - b.start);
  return [{ span, depth }, ...children.flatMap((child) => below(child, all, depth + 1))];
}

function labelOf(span: ReceivedSpan, turn: number): string {
  if (span.name === 'invoke_agent labmate') return `${span.name}, turn ${turn + 1}`;
  const url = span.attributes['url.full'];
  if (typeof url !== 'string') return span.name;
  const path = new URL(url).pathname;
  return `${span.name} ${path.length > 42 ? `${path.slice(0, 20)}…${path.slice(-20)}` : path}`;
}

function resultOf(span: ReceivedSpan): string {
  const tokens = span.attributes['gen_ai.usage.output_tokens'];
  if (tokens !== undefined) return `${tokens} tokens`;
  if (span.name === 'invoke_agent labmate') return '';
  return String(span.attributes['labmate.result'] ?? span.attributes['http.response.status_code'] ?? '').replaceAll('_', ' ');
}

function colourOf(span: ReceivedSpan): string {
  if (span.status === 2) return COLOURS.error;
  const operation = span.attributes['gen_ai.operation.name'];
  return operation === 'invoke_agent' || operation === 'chat' || operation === 'execute_tool' ? COLOURS[operation] : COLOURS.request;
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function text(x: number, y: number, words: string, anchor: string, fill: string, style: string): string {
  const extra = { bold: ' font-weight="bold"', italic: ' font-style="italic"', title: ' font-size="16" font-weight="bold"' }[style] ?? '';
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" fill="${fill}"${extra}>${words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
}
