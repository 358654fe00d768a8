import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { UpstreamError } from '../services/http.ts';
import type { Waiting } from '../session/events.ts';
import { type ToolAnswer, ToolError } from './define-tool.ts';
import type { DoorAnswer } from './door.ts';
import type { Confirmation } from './gate.ts';

/** Where the host reads what to do with an answer. Only inside this process: a door cuts it off. */
export const HOST = 'labmate/host';

/** Where the host reads what people are shown of an answer, if not its text. Cut off like `HOST`. */
export const SAID = 'labmate/said';

export type HostNote =
  | { kind: 'wait'; waiting: Exclude<Waiting, { for: 'approval' | 'retry' }> }
  | { kind: 'confirm'; confirmation: Confirmation }
  | { kind: 'retry'; upstream: string; why: string; retryAfterMs: number | null; sent: boolean }
  | { kind: 'refused'; why: string; by?: 'policy' | undefined }
  | { kind: 'unknown' }
  | { kind: 'held' };

/** The gate's answer in the protocol's words. */
export function present(answer: DoorAnswer): CallToolResult {
  switch (answer.is) {
    case 'answer':
      return presentAnswer(answer.answer);
    case 'question':
      return {
        content: [{ type: 'text', text: answer.question.text }],
        structuredContent: { status: 'question', text: answer.question.text, ask: answer.question.ask, ...answer.question.data },
        _meta: { [SAID]: answer.question.ask },
      };
    case 'confirm': {
      const { preview } = answer.confirmation;
      const text = `A person must approve this first: ${preview.summary}`;
      return {
        content: [{ type: 'text', text }],
        structuredContent: { status: 'requires_confirmation', requires_confirmation: true, confirmation: { summary: preview.summary } },
        _meta: { [HOST]: { kind: 'confirm', confirmation: answer.confirmation } satisfies HostNote },
      };
    }
    case 'asked': {
      const { id, summary, expiresAt } = answer;
      return {
        content: [{ type: 'text', text: answer.text }],
        structuredContent: { status: 'requires_confirmation', requires_confirmation: true, confirmation: { id, summary, expires_at: expiresAt } },
      };
    }
    case 'told':
      return { isError: answer.failed, content: [{ type: 'text', text: answer.text }], ...(answer.data ? { structuredContent: answer.data } : {}) };
    case 'refused':
      return {
        isError: true,
        content: [{ type: 'text', text: answer.why }],
        _meta: { [HOST]: { kind: 'refused', why: answer.why, by: answer.by } satisfies HostNote },
      };
    case 'unknown':
      return {
        isError: true,
        content: [{ type: 'text', text: answer.text }],
        structuredContent: answer.data,
        _meta: { [HOST]: { kind: 'unknown' } satisfies HostNote },
      };
    case 'held':
      return {
        isError: true,
        content: [{ type: 'text', text: 'The session was stopped; nothing was run.' }],
        _meta: { [HOST]: { kind: 'held' } satisfies HostNote },
      };
    case 'retry': {
      const { upstream, why, retryAfterMs, sent } = answer;
      return {
        isError: true,
        content: [{ type: 'text', text: `${why} (retryable)` }],
        _meta: { [HOST]: { kind: 'retry', upstream, why, retryAfterMs, sent } satisfies HostNote },
      };
    }
    default:
      return answer satisfies never;
  }
}

function presentAnswer(answer: ToolAnswer): CallToolResult {
  const content: CallToolResult['content'] = [{ type: 'text', text: answer.text }];
  if (answer.kind === 'done') {
    for (const image of answer.images ?? [])
      content.push({ type: 'image', data: Buffer.from(image.data).toString('base64'), mimeType: image.mediaType, _meta: { alt: image.alt } });
    return { content, structuredContent: answer.data, ...(answer.said === undefined ? {} : { _meta: { [SAID]: answer.said } }) };
  }
  return { content, structuredContent: answer.data, _meta: { [HOST]: { kind: 'wait', waiting: answer.waiting } satisfies HostNote } };
}

/** To the model: what was asked and what came back, so that it can correct itself. Never a stack. */
export function presentFailure(error: unknown): CallToolResult {
  if (error instanceof ToolError) return { isError: true, content: [{ type: 'text', text: error.message }], _meta: { [SAID]: error.what } };
  if (error instanceof UpstreamError) return { isError: true, content: [{ type: 'text', text: error.message }] };
  throw error;
}
