import { z } from 'zod';
import { partsOf } from '../policy/mounted-names.ts';
import type { WriteTool } from './define-tool.ts';

/**
 * A tool that was there when a call of it was begun and is not any more: its server was taken out of labmate.json or offers it no more, its backend was taken out of the
 * variables. Nothing is left by which anybody could find out what became of that call, so a person is asked. Nothing is ever sent with it.
 */
export function departedTool(name: string): WriteTool {
  const parts = partsOf(name);
  return {
    kind: 'write',
    name,
    title: parts ? `${parts.name} on ${parts.key}, which is not offered here any more` : `${name}, which is not configured any more`,
    description: 'Is not there any more.',
    input: z.looseObject({}),
    output: z.looseObject({}),
    needs: [],
    destructive: true,
    idempotent: false,
    recovery: 'ask',
    timeoutMs: 1_000,
    plan: async () => ({ kind: 'refusal', why: `${name} is not there any more, so nothing was sent.` }),
    async run() {
      throw new Error(`${name} is not there any more`);
    },
  };
}
