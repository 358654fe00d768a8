import { digestOf } from '../policy/digest.ts';
import { isRecord } from '../policy/is-record.ts';
import { type Intended, judge, type Refusal, type Standing, type Verdict } from '../policy/judge.ts';
import type { Permissions } from '../policy/rules.ts';
import type { Touches } from '../policy/touches.ts';
import type { Preview } from '../session/events.ts';
import type { Plan, Question, ToolContext, WriteTool } from './define-tool.ts';

/** A planned call as people are asked about it, and what policy says of it. */
export type Proposal = { is: 'proposal'; plan: Plan; digest: string; preview: Preview; verdict: Exclude<Verdict, { is: 'refuse' }> };

/** `by`: labmate.json, whoever would say yes; `argument`: the path of the one it is about. */
export type Refused = { is: 'refused'; why: string; by?: 'policy'; argument?: readonly string[] };

type Rules = {
  permissions: Permissions;
  /** Cuts credentials out of text, known ones and what looks like one. */
  clean?: ((text: string) => string) | undefined;
  /** Says quickly whether JSON may hold what `clean` cuts out; false is sure. */
  suspect?: ((json: string) => boolean) | undefined;
};

/** Plans a call and judges it, for the gate and for whoever changes a call before it comes there. Runs nothing. */
export async function propose(
  tool: WriteTool,
  input: Record<string, unknown>,
  standing: Standing,
  ctx: ToolContext,
  rules: Rules,
): Promise<Proposal | { is: 'question'; question: Question } | Refused> {
  const plan = await tool.plan(input as never, ctx);
  if (plan.kind === 'question') return { is: 'question', question: plan };
  if (plan.kind === 'refusal') return { is: 'refused', why: plan.why };
  if (holdsSecret(plan.arguments, rules))
    return {
      is: 'refused',
      argument: secretIn(plan.arguments, rules),
      why: `What ${tool.name} would send holds a credential, so nothing was sent and nobody was asked. Leave it out, wherever it came from.`,
    };
  const verdict = judge(intended(tool, plan), rules.permissions, standing);
  if (verdict.is === 'refuse') return { is: 'refused', why: verdict.why, by: 'policy', ...argumentOf(verdict, tool) };
  const preview: Preview = { ...plan.preview, ...(verdict.placement ? { environment: verdict.placement.environment } : {}) };
  return { is: 'proposal', plan, digest: digestOf(tool.name, plan.arguments), preview, verdict };
}

/** By which argument a tool is told of what it would touch: of these names it has one. */
const ARGUMENTS: { [fact in keyof Touches]?: readonly string[] } = {
  job: ['job_id', 'run_id'],
  repository: ['repo'],
  base: ['base', 'branch'],
  paths: ['files', 'path'],
  experiment: ['run_id'],
  channel: ['channel'],
};

/** The argument that is out of bounds, so that a form can say it there. */
function argumentOf({ fact, parameter }: Refusal, { input }: WriteTool): { argument?: readonly string[] } {
  if (parameter !== undefined && 'parameters' in input.shape) return { argument: ['parameters', parameter] };
  const name = fact && ARGUMENTS[fact]?.find((each) => each in input.shape);
  return name === undefined ? {} : { argument: [name] };
}

/** A job's parameters, a pull request's file: whatever a file or a backend put into the arguments, a credential never leaves in them. */
function holdsSecret(args: Record<string, unknown>, { clean, suspect }: Rules): boolean {
  if (!clean) return false;
  const text = JSON.stringify(args);
  return (!suspect || suspect(text)) && clean(text) !== text;
}

/** Where it stands: the argument, and which of a job's parameters. Nothing where only several together look like one. */
function secretIn(args: Record<string, unknown>, rules: Rules): string[] {
  const [name, value] = Object.entries(args).find(([key, each]) => holdsSecret({ [key]: each }, rules)) ?? [];
  if (name === undefined) return [];
  return isRecord(value) ? [name, ...secretIn(value, rules)] : [name];
}

/** A write as policy sees it. What a mounted server's tool is, is known only where its server is believed. */
function intended({ name, foreign }: WriteTool, { touches }: Plan): Intended {
  return foreign ? { tool: name, readOnly: foreign.readOnly, foreign: true, touches } : { tool: name, readOnly: false, touches };
}
