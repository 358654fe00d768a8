import type { SessionLook, Traffic } from '../../control-types.ts';
import { list, record, string } from '../blocks/json.ts';

/** One line of a log as the page draws it: the exact text, and what it says. */
export type LogLine = { seq: number; at: string; type: string; gist: string; requestId: string; text: string };

/** A log's lines in their order. A call is named by its tool: its id means nothing to a reader. */
export function linesOf(texts: readonly string[]): LogLine[] {
  const tools = new Map<string, string>();
  return texts.map((text) => {
    const line = record(parsed(text));
    for (const call of list(line.calls).map(record)) tools.set(string(call.id), string(call.tool));
    const tool = tools.get(string(line.call)) ?? string(line.call);
    return { seq: Number(line.seq), at: string(line.at), type: string(line.type), gist: gistOf(line, tool), requestId: string(line.request_id), text };
  });
}

/** What an event is about, in a few words. */
function gistOf(line: Record<string, unknown>, tool: string): string {
  const waiting = record(line.waiting);
  const outcome = record(line.outcome);
  const calls = list(line.calls).map((call) => string(record(call).tool));
  const said = list(line.content).map((block) => string(record(block).text));
  const parts: Record<string, string[]> = {
    opened: [string(line.alias), string(line.prompt)],
    told: [string(line.by), string(line.kind) === 'message' ? '' : string(line.kind), string(line.text)],
    replied: [calls.length > 0 ? `calls ${calls.join(', ')}` : 'says', said.find((text) => text !== '') ?? ''],
    call_parked: [tool, `waits for ${string(waiting.for)}`, string(record(waiting.preview).summary) || string(waiting.question) || string(waiting.why)],
    call_started: [tool],
    call_finished: [tool, string(outcome.status), string(outcome.text)],
    woken: [tool, string(line.why)],
    ended: [string(line.outcome), string(line.text)],
  };
  const words = parts[string(line.type)] ?? [string(line.by), tool, string(line.reason) || string(line.text) || string(line.why)];
  return words
    .filter((word) => word !== '')
    .join(' · ')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 200);
}

/** The request behind a reply of the model: by the service's id for it, which the record keeps too. */
export function requestOf(requestId: string, traffic: readonly Traffic[]): Traffic | null {
  return requestId === '' ? null : (traffic.find((each) => each.with === 'claude' && each.id === requestId) ?? null);
}

export type Seen = { role: string; kind: string; text: string };

/** What the model was given in a request, part by part, in the order it reads. */
export function seenBy(request: Traffic): Seen[] {
  const body = record(request.body);
  const tools = list(body.tools).map((tool) => string(record(tool).name));
  return [
    { role: 'system', kind: 'instructions', text: textOf(body.system) },
    { role: 'system', kind: `${tools.length} tools`, text: tools.join(', ') },
    ...list(body.messages).flatMap((message) => {
      const { role, content } = record(message);
      const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : list(content);
      return parts.map((part) => seenPart(string(role), record(part)));
    }),
  ];
}

function seenPart(role: string, part: Record<string, unknown>): Seen {
  const type = string(part.type);
  if (type === 'tool_use') return { role, kind: `calls ${string(part.name)}`, text: JSON.stringify(part.input, null, 2) };
  if (type === 'tool_result') return { role, kind: part.is_error === true ? 'result, failed' : 'result', text: textOf(part.content) };
  return { role, kind: type, text: string(part.text) || JSON.stringify(part) };
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return list(value)
    .map((part) => string(record(part).text) || JSON.stringify(part))
    .join('\n\n');
}

/** The session that is looked at: the picked one while it is there, else the open thread's, else the newest. */
export function sessionShown(
  sessions: readonly SessionLook[],
  picked: string | null,
  place: { channel: string | null; thread: string | null },
): SessionLook | null {
  const inThread = sessions.find((each) => place.thread !== null && each.channel === place.channel && each.thread === place.thread);
  return sessions.find((each) => each.id === picked) ?? inThread ?? sessions[0] ?? null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
