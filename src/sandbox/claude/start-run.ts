import type { Defaults } from './conversation.ts';
import { stoppedBy } from './findings.ts';
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
    if (stopped || !got) return { end: stopped ?? '' };
    if (got.data['status'] !== 'question') {
      const { run_id: runId, run_url: url } = got.data;
      if (runId === undefined) return { end: `The job gave no run id: ${got.text}` };
      return { go: { runId: String(runId), url: typeof url === 'string' ? url : null, parameters: wanted.parameters } };
    }
    const question = String(got.data['text'] ?? got.text);
    const [answer] = yield { say: 'This needs a person.', calls: [{ tool: 'ask_person', input: { question: question.slice(0, 1000) } }] };
    const said = answerIn(answer);
    if (said === null) return { end: `Nobody answered, so nothing was run. The question was: ${question}` };
    const settled = settle(wanted, said, question);
    if (!settled) return { end: `I read "${said.slice(0, 120)}", which doesn't settle it, so nothing was run. The question was: ${question}` };
    wanted = settled;
    say = `Understood: ${said.slice(0, 120)}.`;
  }
  return { end: 'It is still not clear what to run, so nothing was run.' };
}

type Wanted = { config: string | null; parameters: Record<string, string> };

/** What an answer changes: another file, other parameters, or the right name for one that is not known. */
function settle({ config, parameters }: Wanted, answer: string, question: string): Wanted | null {
  const file = /(?:^|[\s"'`])([\w./-]*\w\.(?:json|ya?ml|toml))\b/i.exec(answer)?.[1];
  if (file) return { config: file, parameters };
  const unknown = Object.keys(parameters).filter((key) => new RegExp(`(?<![\\w.-])${key.replace(/[.]/g, '\\.')}(?![\\w-])`).test(question));
  const kept = Object.fromEntries(Object.entries(parameters).filter(([key]) => !unknown.includes(key)));
  const changes = parseChanges(answer);
  if (changes) return { config, parameters: { ...kept, ...changes } };
  if (/^(?:no config|without (?:a |the )?config|leave (?:it|the config) out)\b/i.test(answer)) return { config: null, parameters };
  const [only] = unknown;
  const name = /^\s*(?:yes,? ?|i meant? |use |it is |it's )*["'`]?([A-Za-z_][\w.-]*?)["'`.!]*\s*$/i.exec(answer)?.[1];
  if (only && unknown.length === 1 && name && /_|^[a-z]{2,}$/.test(name) && !/^(yes|no|stop|cancel|none|never)$/i.test(name)) {
    return { config, parameters: { ...kept, [name]: parameters[only] ?? '' } };
  }
  return null;
}

function* findJob(run: RunPlan, defaults: Defaults, opening: string): Walk<Or<string>> {
  if (run.job && 'id' in run.job) return { go: run.job.id };
  if (!run.job && defaults.job) return { go: defaults.job };
  if (!run.job) {
    const [answer] = yield { say: opening, calls: [{ tool: 'ask_person', input: { question: 'Which job shall I run? Please give its id.' } }] };
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
