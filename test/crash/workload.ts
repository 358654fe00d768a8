import { gotOf, readConversation } from '../../src/sandbox/claude/conversation.ts';
import { blocksOf, type MessagesRequest, type Reply, type ToolResultBlock, type ToolUseBlock } from '../../src/sandbox/claude/messages-types.ts';

/** What a session does, as the tools it calls one after the other. */
export const KINDS = {
  /** All kinds of effects, and a wait between them. */
  whole: ['run_databricks_job', 'wait_for_job', 'create_github_pr', 'post_to_slack'],
  train: ['run_databricks_job', 'wait_for_job'],
  pull: ['create_github_pr'],
  post: ['post_to_slack'],
} as const;
export type Kind = keyof typeof KINDS;

/** Every session has a token of its own; whatever it causes anywhere carries it. */
export const promptOf = (token: string, kind: Kind) => `Run the crash experiment ${token} (${kind})`;
export const tokenIn = (text: string) => /crash experiment (t[0-9a-z]+) \((\w+)\)/.exec(text);

/** The model's answer, from the request alone: whoever asks again after a crash gets the same. */
export function answer(request: MessagesRequest): Reply {
  const [, token, kind] = tokenIn(readConversation(request).prompt) ?? [];
  const tools: readonly string[] = KINDS[kind as Kind] ?? [];
  const called = calls(request);
  const due = tools.find((tool) => !called.some((c) => c.tool === tool && !c.waitsOn));
  if (!token || !due) return { content: [{ type: 'text', text: 'That is done.' }] };
  const run = called.find((c) => c.tool === 'run_databricks_job')?.runId;
  // Without a run there is nothing to wait for.
  if (due === 'wait_for_job' && run === undefined) return { content: [{ type: 'text', text: 'It was not run.' }] };
  const inputs: Record<string, Record<string, unknown>> = {
    run_databricks_job: { job_id: '101', parameters: { feature_set: token } },
    wait_for_job: { run_ids: [run], until: 'all' },
    create_github_pr: { title: `feat: ${token}`, body: `What came of ${token}.` },
    post_to_slack: { text: `This came of ${token}.` },
  };
  return { content: [{ type: 'tool_use', id: `call_${called.length + 1}`, name: due, input: inputs[due] ?? {} }] };
}

function calls(request: MessagesRequest): { tool: string; waitsOn: boolean; runId: string | undefined }[] {
  const blocks = request.messages.flatMap(blocksOf);
  const results = blocks.filter((b): b is ToolResultBlock => b.type === 'tool_result');
  return blocks
    .filter((b): b is ToolUseBlock => b.type === 'tool_use')
    .map((use) => {
      const result = results.find((r) => r.tool_use_id === use.id);
      const data = result ? gotOf(result).data : {};
      return { tool: use.name, waitsOn: data['still_running'] === true, runId: typeof data['run_id'] === 'string' ? data['run_id'] : undefined };
    });
}
