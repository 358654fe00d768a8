/** `argument`: a program gets it as it stands here, also where the job has a parameter of that name. */
export type TaskParameter = { name: string; value: string; argument?: true };

/** A Databricks job by its own fetched definition. */
export type JobTouched = {
  id: string;
  name: string;
  tags: Record<string, string>;
  runAs: string | null;
  parameters: Record<string, string>;
  declared: string[];
  /** What its tasks are given by name beside these. */
  ofTasks?: readonly TaskParameter[];
  /** Every job that would be started by its tasks, and by theirs. */
  starts?: readonly JobTouched[];
};

/** What a call would touch, as facts that a rule can be held against. An absent fact is unknown, and a condition on it does not hold. */
export type Touches = {
  job?: JobTouched;
  /** Median minutes of past successful runs. */
  typicalMinutes?: number;
  /** A run that this session started itself. */
  own?: boolean;
  repository?: string;
  branch?: string;
  /** The branch that is to take the change in the end. */
  base?: string;
  paths?: string[];
  experiment?: string;
  dashboard?: string;
  /** A post: the channel, and whether it is the session's own thread or channel. */
  channel?: string;
  place?: 'own-thread' | 'own-channel' | 'elsewhere';
  /** Nothing in the world changes but a question in the thread. */
  asksPerson?: boolean;
};
