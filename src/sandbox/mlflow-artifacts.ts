import { bar, drawn, line, words } from './drawing.ts';
import type { StoredRun } from './mlflow-runs.ts';
import { chance } from './training.ts';

/** What a training leaves beside its numbers, by path below the run's artifacts. `size` alone: a file too large to be kept here. */
export type Artifact = { type: string; bytes: Uint8Array } | { type: string; size: number };

const FEATURES = ['ctr_7d', 'bid', 'age_days'];
const BINS = 24;

/** The files of a run: the distribution of its features against the reference, as picture, JSON and CSV, and a model that is only listed. */
export function artifactsOf(run: StoredRun): Record<string, Artifact> {
  const set = run.params['feature_set'] ?? 'v1';
  const drift = FEATURES.map((feature) => ({ feature, ...histograms(feature, set) }));
  const rows = drift.map(({ feature, psi, mean, reference_mean }) => [feature, mean, reference_mean, psi].join(','));
  const text = (type: string, content: string) => ({ type, bytes: Buffer.from(content) });
  return {
    'features/distribution.png': { type: 'image/png', bytes: picture(set, drift) },
    'features/distribution.json': text('application/json', `${JSON.stringify({ feature_set: set, reference: 'v1', features: drift }, null, 1)}\n`),
    'features/drift.csv': text('text/csv', ['feature,mean,reference_mean,psi', ...rows, ''].join('\n')),
    'model/MLmodel': text('text/yaml', `flavors:\n  python_function:\n    loader_module: mlflow.pytorch\nrun_id: ${run.runId}\n`),
    'model/data/model.pth': { type: 'application/octet-stream', size: 48_112_640 },
  };
}

export function isFolder(artifacts: Record<string, Artifact>, path: string): boolean {
  return Object.keys(artifacts).some((file) => file.startsWith(`${path}/`));
}

/** What artifacts/list answers: the direct children of a folder; nothing for a file or for what is not there. */
export function listing(artifacts: Record<string, Artifact>, path: string): { path: string; is_dir: boolean; file_size?: number }[] {
  const size = (a: Artifact) => ('bytes' in a ? a.bytes.byteLength : a.size);
  const under = path === '' ? '' : `${path.replace(/\/+$/, '')}/`;
  const children = new Map<string, { path: string; is_dir: boolean; file_size?: number }>();
  for (const [full, artifact] of Object.entries(artifacts)) {
    if (!full.startsWith(under)) continue;
    const [name = '', ...rest] = full.slice(under.length).split('/');
    const child = under + name;
    children.set(child, rest.length > 0 ? { path: child, is_dir: true } : { path: child, is_dir: false, file_size: size(artifact) });
  }
  return [...children.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

type Drift = { reference: number[]; run: number[]; mean: number; reference_mean: number; psi: number };

/** Shares by bin. The reference is v1; another set shifts each feature a little, by its name. */
function histograms(feature: string, set: string): Drift {
  const centre = 8 + 8 * chance(feature);
  const shift = set === 'v1' ? 0 : 4 * (chance(`${feature} ${set}`) - 0.35);
  const shares = (at: number) => {
    const heights = Array.from({ length: BINS }, (_, bin) => Math.exp(-(((bin - at) / 4) ** 2) / 2) + 0.002);
    const sum = heights.reduce((a, b) => a + b, 0);
    return heights.map((h) => Number((h / sum).toFixed(6)));
  };
  const [reference, run] = [shares(centre), shares(centre + shift)];
  const mean = (of: number[]) => Number(of.reduce((sum, share, bin) => sum + share * bin, 0).toFixed(4));
  const psi = run.reduce((sum, share, bin) => sum + (share - (reference[bin] ?? 0)) * Math.log(share / (reference[bin] ?? 1)), 0);
  return { reference, run, mean: mean(run), reference_mean: mean(reference), psi: Number(psi.toFixed(4)) };
}

const pictures = new Map<string, Uint8Array>();

/** A plot for each feature: how often each value occurs, in the run and in the reference. Drawn once for a feature set. */
function picture(set: string, drift: readonly (Drift & { feature: string })[]): Uint8Array {
  const known = pictures.get(set);
  if (known) return known;
  const [width, head, row, left] = [720, 64, 170, 16];
  const tallest = Math.max(...drift.flatMap((d) => [...d.reference, ...d.run]));
  const step = (width - 2 * left) / BINS;
  const parts = [
    words(left, 28, 'Feature distributions: this run against the reference', { size: 18, weight: 700 }),
    bar(left, 42, 12, 12, GREY),
    words(left + 18, 53, 'reference (feature_set v1)'),
    bar(left + 210, 42, 12, 12, BLUE, 0.6),
    words(left + 228, 53, `this run (feature_set ${set})`),
    ...drift.flatMap(({ feature, reference, run, psi, mean, reference_mean: was }, n) => {
      const base = head + row * (n + 1) - 24;
      const bars = (shares: readonly number[], fill: string, opacity: number) =>
        shares.map((share, bin) => {
          const high = ((row - 60) * share) / tallest;
          return bar(left + bin * step + 1, base - high, step - 2, high, fill, opacity);
        });
      return [
        words(left, base - row + 46, feature, { size: 15, weight: 700 }),
        words(width - left, base - row + 46, `mean ${was.toFixed(2)} → ${mean.toFixed(2)}, PSI ${psi.toFixed(3)}`, { anchor: 'end' }),
        ...bars(reference, GREY, 1),
        ...bars(run, BLUE, 0.6),
        line(
          [
            [left, base],
            [width - left, base],
          ],
          '#888',
          1,
        ),
        ...[0, 6, 12, 18, BINS - 1].map((bin) => words(left + (bin + 0.5) * step, base + 16, `${bin}`, { size: 11, fill: '#666', anchor: 'middle' })),
      ];
    }),
  ];
  const made = drawn(width, head + row * drift.length + 8, parts);
  pictures.set(set, made);
  return made;
}

const [GREY, BLUE] = ['#b9bec7', '#2f73d9'];
