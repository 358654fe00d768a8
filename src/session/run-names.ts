/** What tells runs apart for a reader: the parameters in which they differ, else their ids. All names are different. */
export function runNames(runs: readonly { runId: string; parameters: Readonly<Record<string, string>> }[]): Map<string, string> {
  const keys = [...new Set(runs.flatMap((run) => Object.keys(run.parameters)))].sort();
  const differing = keys.filter((key) => new Set(runs.map((run) => run.parameters[key])).size > 1);
  const names = new Map(
    runs.map((run) => [
      run.runId,
      differing
        .slice(0, 3)
        .map((key) => `${key}=${run.parameters[key] ?? 'unset'}`)
        .join(', ')
        .slice(0, 80),
    ]),
  );
  const clear = new Set(names.values()).size === runs.length && ![...names.values()].includes('');
  return clear ? names : new Map(runs.map(({ runId }) => [runId, `run ${runId}`]));
}
