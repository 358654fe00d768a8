import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { Env } from '../src/config-env.ts';
import { startHealth } from '../src/ops/health.ts';

// What can be known of Dockerfile and compose.yaml where no engine runs them.

const root = join(import.meta.dirname, '..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
type Service = { command?: string[]; ports?: unknown; container_name?: unknown; environment?: Record<string, string>; env_file?: string; depends_on?: object };
const { services } = parse(readFileSync(join(root, 'compose.yaml'), 'utf8'), { merge: true }) as { services: Record<'redis' | 'gateway' | 'worker', Service> };

test('every file that the image is made of is there, and is not kept out of the build', () => {
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n').filter(Boolean);
  const sources = [...dockerfile.matchAll(/^COPY (?:--from=build )?(.+) \S+$/gm)]
    .flatMap((found) => (found[1] ?? '').split(' '))
    .map((path) => path.replace(/^\/app\//, ''));
  expect(sources.length).toBeGreaterThan(8);
  for (const path of sources.filter((p) => !['.', 'dist', 'node_modules', './dist', './node_modules'].includes(p))) {
    expect(existsSync(join(root, path)), path).toBe(true);
    expect(ignored, path).not.toContain(path.replace('./', ''));
  }
  for (const needed of ['src', 'scripts', 'tsconfig.build.json', 'tsconfig.json', 'bin']) expect(ignored).not.toContain(needed);
});

test('nobody runs as root, and the health check tells a process that lives from one that does not', async () => {
  expect(dockerfile).toMatch(/^USER 1000$/m);
  const [program, ...args] = JSON.parse(/HEALTHCHECK .*?CMD (\[.*\])/.exec(dockerfile)?.[1] ?? '[]') as string[];
  expect(program).toBe('node');
  const health = await startHealth({ host: '127.0.0.1', port: 0, checks: {} });
  const env = { ...process.env, ADMIN_PORT: new URL(health.url).port };
  await promisify(execFile)(process.execPath, args, { env });
  await health.close();
  await expect(promisify(execFile)(process.execPath, args, { env })).rejects.toMatchObject({ code: 1 });
});

test('Redis keeps what it acknowledged and throws nothing away; workers can be many', () => {
  const settings = services.redis.command?.join(' ');
  for (const wanted of ['--appendonly yes', '--appendfsync always', '--maxmemory-policy noeviction']) expect(settings).toContain(wanted);
  expect(services.worker).toMatchObject({ environment: { ROLE: 'worker' }, env_file: '.env' });
  expect(services.gateway).toMatchObject({ environment: { ROLE: 'gateway' }, ports: ['3000:3000'] });
  expect([services.worker.ports, services.worker.container_name]).toEqual([undefined, undefined]);
});

test('nothing outside reaches the Redis of compose, so what needs it is documented as a container beside it', () => {
  expect(services.redis.ports).toBeUndefined();
  expect(dockerfile).toContain('ENTRYPOINT ["node", "bin/labmate.mjs"]');
  const pages = ['README.md', 'docs/slack.md', 'docs/operations.md'].map((page) => readFileSync(join(root, page), 'utf8'));
  const named = pages.map((page) => [...page.matchAll(/docker compose run --rm (?:-\S+ (?:"\S+" )?)*worker (\w+)/g)].map((found) => found[1] ?? ''));
  for (const commands of named) expect(commands).toContain('doctor');
  expect(new Set(named.flat())).toEqual(new Set(['doctor', 'record', 'records', 'redraw']));
});

test('.env.example names no variable that nobody reads', () => {
  const names = [...readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^#? ?([A-Z][A-Z_]+)=/gm)].map((found) => found[1] ?? '');
  const source = ['config.ts', 'config-env.ts', 'config-backends.ts'].map((file) => readFileSync(join(root, 'src', file), 'utf8')).join('');
  expect(names.filter((name) => !source.includes(`'${name}'`))).toEqual([]);
  expect(new Env(Object.fromEntries(names.map((name) => [name, '']))).has('REDIS_URL')).toBe(false);
});
