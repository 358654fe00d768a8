import { matches } from '../policy/environments.ts';
import type { Experiment, MlflowRun } from '../services/mlflow.ts';
import { type ToolContext, ToolError, type ToolSettings } from './define-tool.ts';

/** Reads have no plan that policy could judge, so they hold what they look at against the same lists here. */

export function mayReadExperiment({ name, experimentId }: Experiment, { allow }: ToolSettings): boolean {
  return !allow || allow.experiments.some((glob) => matches(glob, name) || glob === experimentId);
}

export function mayReadDashboard(uid: string, { allow }: ToolSettings): boolean {
  return !allow || allow.dashboards.some((glob) => matches(glob, uid));
}

/** Throws unless the experiment may be read. */
export function checkExperiment(experiment: Experiment, settings: ToolSettings): void {
  if (!mayReadExperiment(experiment, settings)) throw closed(`The experiment ${experiment.name}`, 'experiments');
}

export function checkDashboard(uid: string, settings: ToolSettings): void {
  if (!mayReadDashboard(uid, settings)) throw closed(`The dashboard ${uid}`, 'dashboards');
}

/** A repository's files may hold secrets of others: only those that labmate works in are read. */
export function checkReadableRepository(name: string, { allow }: ToolSettings): void {
  if (!allow?.repositories || allow.repositories.includes(name)) return;
  throw new ToolError(
    'NOT_ALLOWED',
    `The repository ${name} is not in github.repositories of labmate.json, so it may not be read here.`,
    'say so to the person; only an operator can add it.',
  );
}

/** As checkExperiment, for a run found by its id. The experiment's name is looked up only where names are held against something. */
export async function checkRun(
  { experimentId }: MlflowRun,
  { services, settings, signal }: Pick<ToolContext, 'services' | 'settings' | 'signal'>,
): Promise<void> {
  if (!settings.allow || settings.allow.experiments.includes('*')) return;
  const experiment = await services.mlflow?.getExperiment(experimentId, signal);
  checkExperiment(experiment ?? { experimentId, name: experimentId }, settings);
}

function closed(what: string, list: 'experiments' | 'dashboards'): ToolError {
  return new ToolError(
    'NOT_ALLOWED',
    `${what} is not in allow.${list} of labmate.json, so it may not be read here.`,
    'say so to the person; only an operator can add it.',
  );
}
