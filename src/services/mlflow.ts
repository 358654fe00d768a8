/** A metric's value; MLflow sends "NaN" and infinities as strings, and so do we in JSON. */
export type Metric = { key: string; value: number; step: number; timestamp: number };

export type MlflowRun = {
  runId: string;
  name: string;
  experimentId: string;
  status: 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED';
  deleted: boolean;
  startedAt: number | null;
  endedAt: number | null;
  artifactUri: string;
  /** Last value (greatest step, then timestamp), not the best. NaN and infinities are numbers here. */
  metrics: Record<string, Metric>;
  params: Record<string, string>;
  tags: Record<string, string>;
  datasets: { name: string; digest: string; context: string | null }[];
};

export type Experiment = { experimentId: string; name: string };

/** Throws UpstreamError. */
export type MLflow = {
  uri: string;
  runUrl(run: { experimentId: string; runId: string }): string;
  getRun(runId: string, signal?: AbortSignal): Promise<MlflowRun>;
  /** By exact name, else by a unique path suffix (Databricks names are paths). Null: there is none. */
  findExperiment(nameOrId: string, signal?: AbortSignal): Promise<Experiment | null>;
  listExperiments(
    query: { name?: string | undefined; cursor?: string | undefined },
    signal?: AbortSignal,
  ): Promise<{ experiments: Experiment[]; nextCursor: string | null }>;
  searchRuns(
    query: {
      experimentIds: string[];
      filter?: string | undefined;
      orderBy?: string[] | undefined;
      maxResults?: number | undefined;
      cursor?: string | undefined;
    },
    signal?: AbortSignal,
  ): Promise<{ runs: MlflowRun[]; nextCursor: string | null }>;
  getMetricHistory(runId: string, metric: string, signal?: AbortSignal): Promise<Metric[]>;
  setTag(runId: string, key: string, value: string, signal?: AbortSignal): Promise<void>;
};
