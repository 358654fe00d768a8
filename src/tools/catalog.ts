import { askPerson } from './ask-person.ts';
import { cancelJobRun } from './cancel-job-run.ts';
import { compareRuns } from './compare-runs.ts';
import { createGithubPr } from './create-github-pr.ts';
import type { Services, Tool } from './define-tool.ts';
import { diagnoseRun } from './diagnose-run.ts';
import { fetchMlflowRun } from './fetch-mlflow-run.ts';
import { findBestRun } from './find-best-run.ts';
import { getApproval } from './get-approval.ts';
import { getExperimentRecord } from './get-experiment-record.ts';
import { getGithubFile } from './get-github-file.ts';
import { getGrafanaPanel } from './get-grafana-panel.ts';
import { getJobOutput } from './get-job-output.ts';
import { getJobStatus } from './get-job-status.ts';
import { getMetricHistory } from './get-metric-history.ts';
import { getRunArtifact } from './get-run-artifact.ts';
import { listDatabricksJobs } from './list-databricks-jobs.ts';
import { listExperiments } from './list-experiments.ts';
import { postToSlack } from './post-to-slack.ts';
import { runDatabricksJob } from './run-databricks-job.ts';
import { searchDashboards } from './search-dashboards.ts';
import { searchRuns } from './search-runs.ts';
import { tagRun } from './tag-run.ts';
import { updateTrackingDoc } from './update-tracking-doc.ts';
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
  getJobOutput,
  listExperiments,
  searchRuns,
  getMetricHistory,
  diagnoseRun,
  getRunArtifact,
  tagRun,
  updateTrackingDoc,
  searchDashboards,
  getExperimentRecord,
  getApproval,
];

/** The tools whose backends are there. */
export function toolsFor(services: Services): Tool[] {
  return catalog.filter((tool) => tool.needs.every((need) => services[need] !== undefined));
}
