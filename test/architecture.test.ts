import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Who may import what of ours, besides the own folder. `.` is the files directly in src. Type-only imports count too. */
const MAY: Record<string, string[]> = {
  session: ['policy', 'analysis'],
  policy: [],
  analysis: [],
  services: [],
  charts: [],
  tools: ['services', 'charts', 'analysis', 'policy', 'session'],
  agent: ['tools', 'policy', 'session'],
  runtime: ['agent', 'session', 'policy', 'analysis'],
  slack: ['runtime', 'policy', 'session', 'analysis', 'charts', 'services'],
  ops: ['runtime', 'agent', 'session', 'services', 'slack', '.'],
  sandbox: ['session', 'runtime', 'analysis'],
};

/** Who we are, for whomever we speak with, a limit of time, how requests leave, and a folder to write into: of ours they import at most a file that imports nothing, and so may be imported by all. */
const FOR_ALL = ['../version.ts', '../within.ts', '../http-fetch.ts', '../writable-folder.ts'];

/** Packages that only some folders or files may know. */
const FENCES: Record<string, RegExp> = {
  '@slack/bolt': /^(slack|services)\//,
  '@slack/web-api': /^(slack|services)\//,
  bullmq: /^runtime\//,
  ioredis: /^runtime\/|^sandbox\/redis\.ts$/,
  '@anthropic-ai/sdk': /^agent\//,
  '@modelcontextprotocol/sdk': /^(tools|agent)\/|^sandbox\/feature-registry\.ts$/,
  '@octokit/rest': /^services\//,
  '@octokit/auth-app': /^services\//,
  '@opentelemetry/api': /^ops\//,
  '@opentelemetry/sdk-trace': /^ops\//,
  '@opentelemetry/exporter-trace-otlp-proto': /^ops\//,
  '@bull-board/api': /^ops\//,
  '@bull-board/express': /^ops\//,
  preact: /^sandbox\/web\//,
  ws: /^sandbox\//,
  undici: /^(proxy|http-fetch)\.ts$/,
};

/** Pure: no client, no clock, no randomness. Of Node only these. */
const PURE: Record<string, string[]> = { session: ['node:crypto'], policy: ['node:crypto'], analysis: [] };

const src = resolve(import.meta.dirname, '..', 'src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => {
    const text = readFileSync(join(src, file), 'utf8');
    return { file, folder: file.includes('/') ? (file.split('/')[0] ?? '') : '.', text, code: withoutComments(text), imports: importsOf(text) };
  });

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(\s*|^import\s+)'([^']+)'/gm)].map((found) => found[1] ?? '');
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/[^\n]*/g, '$1');
}

/** Where a relative import leads, as a folder of src. */
function targetOf(file: string, specifier: string): string {
  const path = relative(src, resolve(src, dirname(file), specifier));
  return path.includes('/') ? (path.split('/')[0] ?? '') : '.';
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

describe('who may import what', () => {
  it('holds for every folder, and there is no folder it does not know', () => {
    expect(files.length).toBeGreaterThan(20);
    expect([...new Set(files.map((f) => f.folder))].filter((folder) => folder !== '.' && !(folder in MAY))).toEqual([]);
    const wrong = files
      .filter(({ folder }) => folder !== '.')
      .flatMap(({ file, folder, imports }) =>
        imports
          .filter((specifier) => specifier.startsWith('.') && !FOR_ALL.includes(specifier))
          .map((specifier) => targetOf(file, specifier))
          .filter((target) => target !== folder && !MAY[folder]?.includes(target))
          .map((target) => `${file} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  it('lets nothing but the command import the sandbox', () => {
    const importers = files.filter(
      ({ file, folder, imports }) => folder !== 'sandbox' && imports.some((i) => i.startsWith('.') && targetOf(file, i) === 'sandbox'),
    );
    expect(importers.map((f) => f.file).filter((file) => file !== 'cli.ts')).toEqual([]);
  });

  it('keeps each package behind its fence', () => {
    const wrong = files.flatMap(({ file, imports }) =>
      imports.filter((i) => !i.startsWith('.') && FENCES[packageOf(i)]?.test(file) === false).map((i) => `${file} imports ${packageOf(i)}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('what stays pure', () => {
  it('imports of Node only what it may', () => {
    const wrong = files.flatMap(({ file, folder, imports }) =>
      imports.filter((i) => i.startsWith('node:') && PURE[folder]?.includes(i) === false).map((i) => `${file} imports ${i}`),
    );
    expect(wrong).toEqual([]);
  });

  it('asks neither the clock nor chance', () => {
    const wrong = files.filter(({ folder, code }) => folder in PURE && /\bDate\.now\(|new Date\(\)|Math\.random\(|\bfetch\(|performance\.now\(/.test(code));
    expect(wrong.map((f) => f.file)).toEqual([]);
  });
});

describe('one place that knows the version', () => {
  it('is package.json, which version.ts reads', () => {
    const { version } = JSON.parse(readFileSync(join(src, '..', 'package.json'), 'utf8')) as { version: string };
    expect(files.filter(({ code }) => code.includes(`'${version}'`)).map((f) => f.file)).toEqual([]);
    expect(files.find((f) => f.file === 'version.ts')?.imports.filter((i) => i.startsWith('.'))).toEqual([]);
  });
});

describe('one reader of the environment', () => {
  it('is config.ts', () => {
    expect(files.filter(({ code }) => /\bprocess\.env\b/.test(code)).map((f) => f.file)).toEqual(['config.ts']);
  });

  it('knows no sandbox: the product differs by its variables only', () => {
    const wrong = files.filter(({ folder, file, code }) => folder !== 'sandbox' && file !== 'cli.ts' && /sandbox/i.test(code));
    expect(wrong.map((f) => f.file)).toEqual([]);
  });
});
