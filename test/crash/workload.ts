import { gotOf, readConversation } from '../../src/sandbox/claude/conversation.ts';
import { blocksOf, type MessagesRequest, type Reply, type ToolResultBlock, type ToolUseBlock } from '../../src/sandbox/claude/messages-types.ts';
import { seededRuns } from '../../src/sandbox/mlflow-runs.ts';

/** What a session does, as the tools it calls one after the other. */
export const KINDS = {
  /** All kinds of effects, and a wait between them. */
  whole: ['run_databricks_job', 'wait_for_job', 'create_github_pr', 'post_to_slack'],
  train: ['run_databricks_job', 'wait_for_job'],
  pull: ['create_github_pr'],
  post: ['post_to_slack'],
  /** A row in the document, on the branch of the pull request. */
  note: ['create_github_pr', 'update_tracking_doc'],
  tag: ['tag_run'],
  /** A training that would take hours, canceled. */
  cancel: ['run_databricks_job', 'cancel_job_run'],
  /** A picture that the host uploads into the thread. */
  picture: ['get_grafana_panel'],
} as const;
export type Kind = keyof typeof KINDS;

/** Every session has a token of its own; whatever it causes anywhere carries it. */
export const promptOf = (token: string, kind: Kind) => `Run the crash experiment ${token} (${kind})`;
export const tokenIn = (text: string) => /crash experiment (t[0-9a-z]+) \((\w+)\)/.exec(text);

/** By this the stand-in's training is known that does not end by itself. */
export const LONG = { seed: '7' };
export const DOCUMENT = 'docs/experiments.md';
/** A run of long ago, and the tag on it that says whose session it was. */
export const TAGGED = seededRuns(0)[0]?.runId ?? '';
export const tagOf = (token: string) => `crash.${token}`;

/** The model's answer, from the request alone: whoever asks again after a crash gets the same. */
export function answer(request: MessagesRequest): Reply {
  const [, token, kind] = tokenIn(readConversation(request).prompt) ?? [];
  const tools: readonly string[] = KINDS[kind as Kind] ?? [];
  const called = calls(request);
  const due = tools.find((tool) => !called.some((c) => c.tool === tool && !c.waitsOn));
  if (!token || !due) return { content: [{ type: 'text', text: 'That is done.' }] };
  const run = called.find((c) => c.tool === 'run_databricks_job')?.runId;
  // Without a run there is nothing to wait for.
  if ((due === 'wait_for_job' || due === 'cancel_job_run') && run === undefined) return { content: [{ type: 'text', text: 'It was not run.' }] };
  const inputs: Record<string, Record<string, unknown>> = {
    run_databricks_job: { job_id: '101', parameters: { feature_set: token, ...(kind === 'cancel' ? LONG : {}) } },
    cancel_job_run: { run_id: run },
    update_tracking_doc: { path: DOCUMENT, row_key: token, columns: { change: 'none', val_f1: '0.7', verdict: 'crashed' } },
    tag_run: { run_id: TAGGED, key: tagOf(token), value: token },
    get_grafana_panel: { dashboard_uid: 'ads-features', panel_id: '1', format: 'image' },
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
