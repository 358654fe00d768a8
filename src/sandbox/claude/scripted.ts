import { type Got, gotOf } from './conversation.ts';
import { type Answer, blocksOf, type MessagesRequest, type Reply, type ToolResultBlock } from './messages-types.ts';

/** One reply of a script. `calls` get the ids call_1, call_2, ... in their order; `expect` looks at the results of the step before. */
export type Step = {
  say?: string;
  calls?: { tool: string; input: Record<string, unknown> }[];
  /** Instead of `say` and `calls`: any reply at all. */
  reply?: Reply;
  expect?: (results: Got[], request: MessagesRequest) => void;
};

/** A script for one session; with `when`, for the sessions whose opening holds these words. */
export type Script = { when?: string; steps: Step[] };

export type Scripted = {
  answer: Answer;
  /** Throws if a request came that no step stands for, or a step was never asked for. */
  check(): void;
};

/**
 * A model that plays exact steps. Which step is due follows from the request alone (how many turns and how many tool results stand in it), so a
 * restarted session that asks twice gets the same answer; an unexpected request fails, and so does, in `check`, a step nobody asked for.
 */
export function scriptedModel(...scripts: Script[]): Scripted {
  const faults: string[] = [];
  const used = new Set<Step>();
  return {
    answer(request) {
      try {
        const step = stepFor(request, scripts);
        used.add(step);
        return replyOf(step, resultsBefore(step, scripts));
      } catch (error) {
        faults.push(error instanceof Error ? error.message : String(error));
        throw error;
      }
    },
    check() {
      const unused = scripts.flatMap(({ when, steps }) =>
        steps.flatMap((step, i) => (used.has(step) ? [] : [`step ${i + 1}${when ? ` of "${when}"` : ''} was never asked for`])),
      );
      if (faults.length + unused.length > 0) throw new Error(`the script was not followed: ${[...faults, ...unused].join('; ')}`);
    },
  };
}

function stepFor(request: MessagesRequest, scripts: readonly Script[]): Step {
  const opening = request.messages[0] ? JSON.stringify(blocksOf(request.messages[0])) : '';
  const script = scripts.find(({ when }) => when === undefined || opening.includes(JSON.stringify(when).slice(1, -1)));
  if (!script) throw new Error(`no script fits the opening ${opening.slice(0, 200)}`);
  const turns = request.messages.filter((m) => m.role === 'assistant').length;
  const step = script.steps[turns];
  if (!step) throw new Error(`a request came for step ${turns + 1} of ${script.steps.length}`);
  const results = request.messages.flatMap(blocksOf).filter((b): b is ToolResultBlock => b.type === 'tool_result');
  const expected = resultsBefore(step, scripts);
  if (results.length !== expected) throw new Error(`step ${turns + 1} stands behind ${expected} tool results, and the request holds ${results.length}`);
  const latest = blocksOf(request.messages.at(-1) ?? { role: 'user', content: [] }).filter((b): b is ToolResultBlock => b.type === 'tool_result');
  step.expect?.(latest.map(gotOf), request);
  return step;
}

function resultsBefore(step: Step, scripts: readonly Script[]): number {
  const steps = scripts.find((s) => s.steps.includes(step))?.steps ?? [];
  return steps.slice(0, steps.indexOf(step)).reduce((sum, s) => sum + callsOf(s), 0);
}

function callsOf(step: Step): number {
  return step.reply ? step.reply.content.filter((b) => b.type === 'tool_use').length : (step.calls?.length ?? 0);
}

function replyOf(step: Step, before: number): Reply {
  if (step.reply) return step.reply;
  const calls = (step.calls ?? []).map(({ tool, input }, i) => ({ type: 'tool_use' as const, id: `call_${before + i + 1}`, name: tool, input }));
  const text = step.say ?? (calls.length > 0 ? '' : 'Done.');
  return { content: [...(text ? [{ type: 'text' as const, text }] : []), ...calls] };
}
