import type { Defaults } from './conversation.ts';
import { namesIn, quoted, stoppedBy } from './findings.ts';
import { parseChanges } from './parse-prompt.ts';
import type { RunPlan } from './plan.ts';
import { answerIn, type Or, type Walk } from './walk.ts';

export type Started = { runId: string; url: string | null; parameters: Record<string, string> };

/** Starts the run. Where the tool asks instead, so does this; an answer that settles it is used, any other ends it. Never a guess. */
export function* startRun(run: RunPlan, defaults: Defaults, opening: string): Walk<Or<Started>> {
  const job = yield* findJob(run, defaults, opening);
  if ('end' in job) return job;
  let wanted: Wanted = { config: run.config, parameters: run.parameters };
  let say = opening;
  for (let tries = 0; tries < 3; tries++) {
    const input = { job_id: job.go, ...(wanted.config ? { config: wanted.config } : {}), parameters: wanted.parameters };
    const [got] = yield { say, calls: [{ tool: 'run_databricks_job', input }] };
    const stopped = stoppedBy(got, 'start the run');
    if (stopped || !got) return { end: got?.text.startsWith('JOB_NOT_FOUND') ? `${stopped} Ask me "Which jobs are there?" to see them.` : (stopped ?? '') };
    if (got.data['status'] !== 'question') {
      const { run_id: runId, run_url: url } = got.data;
      if (runId === undefined) return { end: `The job gave no run id: ${got.text}` };
      return { go: { runId: String(runId), url: typeof url === 'string' ? url : null, parameters: asStarted(wanted.parameters, got.data['changes']) } };
    }
    const question = String(got.data['ask'] ?? got.data['text'] ?? got.text);
    const [answer] = yield {
      say: 'This needs a person.',
      calls: [{ tool: 'ask_person', input: { question: question.slice(0, 1000), ...optionsOf(got.data) } }],
    };
    const said = answerIn(answer);
    if (said === null) return { end: `Nobody answered, so nothing was run. The question was: ${question}` };
    const settled = settle(wanted, said, got.data);
    if (!settled) return { end: `I read ${quoted(said)}, which doesn't settle it, so nothing was run. The question was: ${question}` };
    wanted = settled;
    say = `Understood: ${quoted(said)}.`;
  }
  return { end: 'It is still not clear what to run, so nothing was run.' };
}

/** What it runs with: a person may have changed that on the card. */
function asStarted(asked: Record<string, string>, changes: unknown): Record<string, string> {
  const parameters = { ...asked };
  for (const { name, to } of (Array.isArray(changes) ? changes : []) as { name: string; to: string | null }[]) {
    const [, key] = /^parameters\.(.+)$/s.exec(name) ?? [];
    if (key === undefined) continue;
    if (to === null) delete parameters[key];
    else parameters[key] = to;
  }
  return parameters;
}

type Wanted = { config: string | null; parameters: Record<string, string> };

/** What the tool found near, to choose from. */
function optionsOf(data: Record<string, unknown>): { options?: string[] } {
  const options = [...namesIn(data['candidates']), ...nearOf(data)].slice(0, 5);
  return options.length > 0 ? { options } : {};
}

function nearOf(data: Record<string, unknown>): string[] {
  const near = (Array.isArray(data['near']) ? data['near'] : []) as { near?: unknown }[];
  return near.length === 1 ? namesIn(near[0]?.near) : [];
}

const YES =
  /^\s*(?:yes|yep|yeah|ok(?:ay)?|sure|go ahead|do it|run (?:it )?without(?: (?:it|them|the rest))?|(?:drop|skip|leave out|ignore) (?:it|them|the rest))\b[\s.!]*$/i;
const NAME = /^\s*(?:yes,? ?|i meant? |use |take |it is |it's )*["'`]?([A-Za-z_][\w.-]*?)["'`.!]*\s*$/i;

/** What an answer changes: another file, other parameters, the right name for one that is not known, or a plain yes to what was proposed. */
function settle({ config, parameters }: Wanted, answer: string, data: Record<string, unknown>): Wanted | null {
  const file = /(?:^|[\s"'`])([\w./-]*\w\.(?:json|ya?ml|toml))\b/i.exec(answer)?.[1];
  if (file) return { config: file, parameters };
  const unknown = namesIn(data['unknown']);
  const kept = Object.fromEntries(Object.entries(parameters).filter(([key]) => !unknown.includes(key)));
  const changes = parseChanges(answer);
  if (changes) return { config, parameters: { ...kept, ...changes } };
  const near = nearOf(data);
  if (YES.test(answer)) {
    const fitting = data['fitting'] as Record<string, string> | undefined;
    if (fitting) return { config: null, parameters: { ...fitting, ...parameters } };
    return unknown.length === 1 && near.length === 1 ? renamed(unknown[0] ?? '', near[0] ?? '') : null;
  }
  const name = NAME.exec(answer)?.[1];
  const declared = namesIn(data['declared']);
  return unknown.length === 1 && name && declared.includes(name) ? renamed(unknown[0] ?? '', name) : null;

  function renamed(from: string, to: string): Wanted {
    return { config, parameters: { ...kept, [to]: parameters[from] ?? '' } };
  }
}

function* findJob(run: RunPlan, defaults: Defaults, opening: string): Walk<Or<string>> {
  if (run.job && 'id' in run.job) return { go: run.job.id };
  if (!run.job && defaults.job) return { go: defaults.job };
  if (!run.job) {
    const [answer] = yield { say: opening, calls: [{ tool: 'ask_person', input: { question: 'Which job should I run? Please give its id.' } }] };
    const id = /\b\d{1,19}\b/.exec(answerIn(answer) ?? '')?.[0];
    return id ? { go: id } : { end: 'Without a job id I run nothing.' };
  }
  const { name } = run.job;
  const [got] = yield { say: opening, calls: [{ tool: 'list_databricks_jobs', input: { name } }] };
  const stopped = stoppedBy(got, 'look the job up');
  if (stopped || !got) return { end: stopped ?? '' };
  const jobs = ((got.data['jobs'] ?? []) as { job_id: string; name: string }[]).filter((job) => job.name === name);
  if (jobs.length === 1 && jobs[0]) return { go: String(jobs[0].job_id) };
  return { end: `${jobs.length === 0 ? 'No job is' : `${jobs.length} jobs are`} named "${name}", so I run nothing. A job's id would settle it.` };
}
