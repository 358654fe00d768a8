import { createHash } from 'node:crypto';
import { z } from 'zod';
import { visible } from '../policy/outside-text.ts';
import { UpstreamError } from '../services/http.ts';
import type { ArtifactFile, MLflow, MlflowRun } from '../services/mlflow.ts';
import { done, readTool, type ToolAnswer, ToolError } from './define-tool.ts';
import { theMlflowRun } from './linked-runs.ts';
import { cell, fenced, table } from './markdown.ts';
import { pictureType } from './picture-type.ts';

const MOST_FILES = 60;
const MOST_TEXT = 7_000;

export const getRunArtifact = readTool({
  name: 'get_run_artifact',
  title: 'Look at a file of a run',
  description:
    'Lists the files an MLflow run left, or shows one: JSON, CSV and text inline, pictures in the thread. Use when asked for a plot, a distribution or a report of a run. Not for files in git (get_github_file) or live panels (get_grafana_panel). run_id: 32 hex digits (MLflow).',
  input: z.strictObject({
    run_id: z.string().min(1),
    path: z.string().max(500).optional().describe('a file or folder; left out: the list'),
    max_bytes: z.int().min(1).max(262_144).default(262_144),
  }),
  output: z.looseObject({
    run_id: z.string(),
    files: z.array(z.looseObject({ path: z.string(), is_dir: z.boolean() })).optional(),
    path: z.string().optional(),
    media_type: z.string().optional(),
    text: z.string().optional(),
    truncated: z.boolean(),
  }),
  needs: ['mlflow'],
  async run({ run_id, path = '', max_bytes }, ctx) {
    const mlflow = ctx.services.mlflow;
    const { run, note } = await theMlflowRun(run_id, ctx);
    const wanted = path.replace(/\/+$/, '');
    checkPath(wanted);
    const link = mlflow.runUrl(run);
    const found = await listed(run, wanted, mlflow, ctx.signal);
    const file = wanted === '' ? undefined : found.find((f) => f.path === wanted && !f.isDir);
    if (!file) {
      if (found.length === 0 && wanted !== '') throw await notThere(run, wanted, mlflow, ctx.signal);
      return list(run, wanted, found, link, note);
    }
    const facts = { run_id: run.runId, path: file.path, size: file.size, link };
    const kept = (why: string) =>
      done(`${cell(file.path, 300)} of run ${run.runId}, ${file.size ?? 'an unknown number of'} bytes: ${why} ${link}`, {
        ...facts,
        truncated: true,
        omitted: 1,
      });
    if (file.size !== null && file.size > max_bytes) return kept(`more than the ${max_bytes} bytes that are fetched here. It is at`);
    const bytes = await mlflow.getArtifact({ run, path: file.path, largest: max_bytes }, ctx.signal).catch((error: unknown) => {
      if (error instanceof UpstreamError && error.code === 'TOO_LARGE') return 'large' as const;
      throw error;
    });
    if (bytes === 'large') return kept(`more than the ${max_bytes} bytes that are fetched here. It is at`);
    if (bytes === null) return kept('this server hands out no files. It is at');
    return show(run, file.path, bytes, { ...facts, size: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') });
  },
});

function show(run: MlflowRun, path: string, bytes: Uint8Array, facts: Record<string, unknown>): ToolAnswer {
  const where = `${cell(path, 300)} of run ${run.runId} (${cell(run.name)}), ${bytes.byteLength} bytes`;
  const picture = pictureType(bytes);
  if (picture) {
    const alt = visible(`${path} of run ${run.name}`).slice(0, 300);
    return done(`${where}: the picture.`, { ...facts, media_type: picture, truncated: false, omitted: 0 }, [{ data: bytes, mediaType: picture, alt }]);
  }
  const text = textOf(bytes);
  if (text === null)
    return done(`${where}: neither text nor a picture that can be shown. ${facts['link']}`, {
      ...facts,
      media_type: 'application/octet-stream',
      truncated: true,
      omitted: 1,
    });
  const shown = text.length > MOST_TEXT ? text.slice(0, MOST_TEXT).toWellFormed() : text;
  const omitted = text.length - shown.length;
  const rest = omitted > 0 ? `\n${omitted} more characters are left out: ${facts['link']}` : '';
  return done(`${where}:\n${fenced(shown)}${rest}`, { ...facts, media_type: textType(path), text: shown, truncated: omitted > 0, omitted });
}

function list(run: MlflowRun, path: string, found: readonly ArtifactFile[], link: string, note: string | null): ToolAnswer {
  const shown = found.slice(0, MOST_FILES);
  const omitted = found.length - shown.length;
  const files = shown.map((f) => ({ path: f.path, is_dir: f.isDir, ...(f.size === null ? {} : { size: f.size }) }));
  const text = [
    found.length === 0
      ? `Run ${run.runId} (${cell(run.name)}) left no files.`
      : `Run ${run.runId} (${cell(run.name)})${path ? `, folder ${cell(path, 300)}` : ''}:\n\n${table(
          ['path', 'bytes'],
          files.map((f) => [cell(f.path, 300) + (f.is_dir ? '/' : ''), f.size === undefined ? '' : String(f.size)]),
        )}`,
    ...(omitted > 0 ? [`${omitted} more are left out; name a folder as path.`] : []),
    ...(note ? [note] : []),
    link,
  ];
  return done(text.join('\n\n'), { run_id: run.runId, ...(path ? { path } : {}), files, link, truncated: omitted > 0, omitted });
}

/** What lies at a path. Servers differ on a path that is not there: an empty list, or a refusal. */
async function listed(run: MlflowRun, path: string, mlflow: MLflow, signal: AbortSignal): Promise<ArtifactFile[]> {
  const at = await mlflow.listArtifacts({ runId: run.runId, ...(path ? { path } : {}) }, signal);
  if (at.length > 0 || !path.includes('/'))
    return at.length > 0 || path === '' ? at : (await mlflow.listArtifacts({ runId: run.runId }, signal)).filter((f) => f.path === path);
  // A file's own path lists nothing on some stores: then its folder tells.
  const folder = path.slice(0, path.lastIndexOf('/'));
  return (await mlflow.listArtifacts({ runId: run.runId, path: folder }, signal)).filter((f) => f.path === path);
}

async function notThere(run: MlflowRun, path: string, mlflow: MLflow, signal: AbortSignal): Promise<ToolError> {
  const top = await mlflow.listArtifacts({ runId: run.runId }, signal);
  const names = top.slice(0, 20).map((f) => cell(f.path) + (f.isDir ? '/' : ''));
  return new ToolError(
    'ARTIFACT_NOT_FOUND',
    `Run ${run.runId} left nothing at ${cell(path, 200)}.`,
    `choose from ${names.join(', ') || 'nothing: it left no files'}.`,
  );
}

function checkPath(path: string): void {
  const odd =
    path.startsWith('/') ||
    path.includes('\\') ||
    /[\p{C}%]/u.test(path) ||
    path.split('/').some((part) => part === '.' || part === '..' || (part === '' && path !== ''));
  if (odd) throw new ToolError('BAD_PATH', `${JSON.stringify(path.slice(0, 80))} is not a plain path below a run's files.`, 'take a path from the list.');
}

function textOf(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}

function textType(path: string): string {
  const ending = /\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
  return (
    { json: 'application/json', csv: 'text/csv', html: 'text/html', svg: 'image/svg+xml', yaml: 'text/yaml', yml: 'text/yaml', md: 'text/markdown' }[ending] ??
    'text/plain'
  );
}
