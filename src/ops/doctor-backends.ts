import type { AnyConfig } from '../config.ts';
import { didYouMean } from '../did-you-mean.ts';
import type { openServices } from '../open-services.ts';
import { UpstreamError } from '../services/http.ts';
import { type Finding, look, seeAddress, wrong } from './findings.ts';

/** What a prompt may leave out, looked up where it lives. Of a backend that is left out nothing can be known. */
export function defaultFindings(
  { settings, permissions }: AnyConfig,
  { databricks, mlflow, github }: Pick<ReturnType<typeof openServices>, 'databricks' | 'mlflow' | 'github'>,
  fixes: ReturnType<typeof fixesOf>,
): Promise<Finding[]>[] {
  const { job, experiment, repository, base } = settings.defaults;
  const all: Promise<Finding[]>[] = [];
  const correct = (key: string) => `Correct defaults.${key} in labmate.json.`;
  if (job !== undefined && databricks) {
    const isUnknown = (error: unknown) => error instanceof UpstreamError && [400, 404].includes(error.status);
    const fixed = (error: unknown) => (isUnknown(error) ? correct('job') : fixes.databricks(error));
    all.push(look('defaults.job', async (signal) => `is ${(await databricks.getJob(job, signal)).name}`, fixed));
  }
  if (experiment !== undefined && mlflow)
    all.push(
      look(
        'defaults.experiment',
        async (signal) => {
          const found = await mlflow.findExperiment(experiment, signal);
          return found ? `is ${found.name}` : [wrong('defaults.experiment', `MLflow shows no experiment "${experiment}". ${correct('experiment')}`)];
        },
        fixes.mlflow,
      ),
    );
  if (repository !== undefined && !permissions.repositories.includes(repository)) {
    const meant = didYouMean(repository, permissions.repositories);
    const text = `${repository} is not in github.repositories of labmate.json${meant}, so it may not be used: add it there, or correct defaults.repository.`;
    all.push(Promise.resolve([wrong('defaults.repository', text)]));
  } else if (repository !== undefined && base !== undefined && github)
    all.push(
      look(
        'defaults.base',
        async (signal) => {
          const found = await github.getBranch({ repo: repository, branch: base }, signal);
          return found ? `is a branch of ${repository}` : [wrong('defaults.base', `${repository} has no branch ${base}. ${correct('base')}`)];
        },
        fixes.github,
      ),
    );
  return all;
}

type Fix = (error: unknown) => string;

/** Which variable to change, by what a backend answered. */
export function fixesOf({ databricks, mlflow, github }: AnyConfig['backends']): Record<'databricks' | 'mlflow' | 'github', Fix> {
  const databricksLogin = databricks && 'token' in databricks ? 'DATABRICKS_TOKEN' : 'DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET';
  const mlflowLogin =
    mlflow && 'databricks' in mlflow
      ? databricksLogin
      : mlflow && 'username' in mlflow
        ? 'MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD'
        : 'MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD';
  const githubLogin = github?.app ? 'GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY and GITHUB_APP_INSTALLATION_ID' : 'GITHUB_TOKEN';
  return {
    databricks: fix('DATABRICKS_HOST', databricksLogin),
    mlflow: fix('MLFLOW_TRACKING_URI', mlflowLogin),
    // To whoever may not see a repository GitHub says that there is none.
    github: fix('GITHUB_API_URL', `${githubLogin}, or github.repositories in labmate.json`, [401, 403, 404]),
  };
}

function fix(address: string, login: string, refusals = [401, 403]): Fix {
  return (error) => {
    if (error instanceof UpstreamError && refusals.includes(error.status)) return `Correct ${login}.`;
    return seeAddress(address);
  };
}
