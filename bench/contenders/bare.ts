import Anthropic from '@anthropic-ai/sdk';
import { metered, pool, serve } from '../child.ts';
import { answerOf, MAX_TOKENS, MODEL, promptOf, type Script, TOOLS } from '../workload.ts';

/** The floor: the SDK as its README shows it, in a loop that keeps everything in memory and forgets it when the process ends. */

const client = new Anthropic({ apiKey: 'sk-bench', baseURL: process.env['MODEL_URL'] ?? null });
const system = process.env['SYSTEM'] ?? '';

async function session(script: Script): Promise<void> {
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: promptOf(script) }];
  for (;;) {
    const answer = await client.messages.create({ model: MODEL, max_tokens: MAX_TOKENS, cache_control: { type: 'ephemeral' }, system, tools: TOOLS, messages });
    messages.push({ role: 'assistant', content: answer.content });
    if (answer.stop_reason !== 'tool_use') return;
    const results: Anthropic.ToolResultBlockParam[] = [];
    for (const block of answer.content) {
      if (block.type !== 'tool_use') continue;
      const result = answerOf(block.name, block.input as Record<string, unknown>);
      results.push({ type: 'tool_result', tool_use_id: block.id, content: JSON.stringify(result) });
    }
    messages.push({ role: 'user', content: results });
  }
}

type Run = Omit<Script, 'session'> & { name: string; sessions: number; atOnce: number };

serve({
  run: ({ name, sessions, atOnce, ...script }: Run) => metered(() => pool(sessions, atOnce, (i) => session({ ...script, session: `${name}-${i}` }))),
});
