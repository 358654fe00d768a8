import { askPerson } from './ask-person.ts';
import { cancelJobRun } from './cancel-job-run.ts';
import { compareRuns } from './compare-runs.ts';
import { createGithubPr } from './create-github-pr.ts';
import type { Services, Tool } from './define-tool.ts';
import { fetchMlflowRun } from './fetch-mlflow-run.ts';
import { findBestRun } from './find-best-run.ts';
import { getGithubFile } from './get-github-file.ts';
import { getGrafanaPanel } from './get-grafana-panel.ts';
import { getJobStatus } from './get-job-status.ts';
import { listDatabricksJobs } from './list-databricks-jobs.ts';
import { postToSlack } from './post-to-slack.ts';
import { runDatabricksJob } from './run-databricks-job.ts';
import { waitForJob } from './wait-for-job.ts';

/** Every tool there is, in the order in which models see them. The order is part of what a model's cache holds: add at the end. */
export const catalog: readonly Tool[] = [
  runDatabricksJob,
  waitForJob,
  getJobStatus,
  cancelJobRun,
  listDatabricksJobs,
  fetchMlflowRun,
  findBestRun,
  compareRuns,
  createGithubPr,
  getGithubFile,
  getGrafanaPanel,
  postToSlack,
  askPerson,
];

/** The tools whose backends are there. */
export function toolsFor(services: Services): Tool[] {
  return catalog.filter((tool) => tool.needs.every((need) => services[need] !== undefined));
}
