import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Launch } from './training.ts';

/** What the Databricks and the MLflow stand-in share: the launched runs, tags set later, and the clock that can be moved forward. */
export type Training = {
  now(): number;
  /** When this world began: seeded history lies before it. */
  readonly bornAt: number;
  /** Lets `ms` pass at once for every training. */
  skip(ms: number): void;
  readonly durationMs: number;
  /** Oldest first. */
  launches(): readonly Launch[];
  find(runId: string): Launch | undefined;
  /** The same token is the same run. `taken` says that it was known. */
  launch(request: { jobId: string; parameters: Record<string, string>; token: string | null; durationMs?: number | undefined }): {
    launch: Launch;
    taken: boolean;
  };
  cancel(runId: string): void;
  /** Tags set on MLflow runs, by run id. */
  tags(mlflowRunId: string): Record<string, string>;
  setTag(mlflowRunId: string, key: string, value: string): void;
  /** Forgets every launch and tag; the clock goes on. */
  reset(): void;
};

type Kept = { bornAt: number; skippedMs: number; launches: Launch[]; tokens: Record<string, string>; tags: Record<string, Record<string, string>> };

/**
 * Opens the store in `folder`, or one in memory. `durationMs` is how long a training takes (default 6 s).
 * Runs of a job whose id has 19 digits get such ids too.
 */
export function openTraining(options: { folder?: string | undefined; durationMs?: number | undefined; clock?: (() => number) | undefined } = {}): Training {
  const clock = options.clock ?? Date.now;
  const durationMs = options.durationMs ?? 6000;
  const file = options.folder === undefined ? null : join(options.folder, 'training.json');
  const kept: Kept = (file && read(file)) || { bornAt: clock(), skippedMs: 0, launches: [], tokens: {}, tags: {} };
  const byId = new Map(kept.launches.map((launch) => [launch.runId, launch]));

  function save() {
    if (!file) return;
    mkdirSync(options.folder ?? '', { recursive: true });
    // Written beside and renamed: a kill in between leaves the old file whole.
    writeFileSync(`${file}.new`, JSON.stringify(kept));
    renameSync(`${file}.new`, file);
  }
  const now = () => clock() + kept.skippedMs;

  return {
    now,
    bornAt: kept.bornAt,
    durationMs,
    skip(ms) {
      kept.skippedMs += ms;
      save();
    },
    launches: () => kept.launches,
    find: (runId) => byId.get(runId),
    launch({ jobId, parameters, token, durationMs: own }) {
      const known = token === null ? undefined : byId.get(kept.tokens[token] ?? '');
      if (known) return { launch: known, taken: true };
      const base = jobId.length > 15 ? 9_007_199_254_741_000_001n : 412_000_000_000_101n;
      const number = base + BigInt(kept.launches.length) * 2n;
      const launch: Launch = {
        runId: String(number),
        taskRunId: String(number + 1n),
        jobId,
        parameters,
        startedAt: now(),
        durationMs: own ?? durationMs,
      };
      kept.launches.push(launch);
      byId.set(launch.runId, launch);
      if (token !== null) kept.tokens[token] = launch.runId;
      save();
      return { launch, taken: false };
    },
    cancel(runId) {
      const launch = byId.get(runId);
      if (!launch || launch.canceledAt !== undefined) return;
      launch.canceledAt = now();
      save();
    },
    tags: (mlflowRunId) => kept.tags[mlflowRunId] ?? {},
    setTag(mlflowRunId, key, value) {
      kept.tags[mlflowRunId] = { ...kept.tags[mlflowRunId], [key]: value };
      save();
    },
    reset() {
      kept.launches.length = 0;
      byId.clear();
      kept.tokens = {};
      kept.tags = {};
      save();
    },
  };
}

function read(file: string): Kept | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Kept;
  } catch {
    return null;
  }
}
