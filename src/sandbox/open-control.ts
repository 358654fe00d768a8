import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Behind } from './behind.ts';
import { type Control, type ControlOptions, startControl } from './control.ts';
import type { Chaos } from './control-types.ts';
import type { Machine } from './machine.ts';
import { freePort } from './redis.ts';
import type { ServiceName } from './stand-ins.ts';
import { pageFolder } from './web-build.ts';

const PORT = 4800;

/** The page at its usual address, so that a bookmark holds; at another where that is taken and nobody asked for it. */
export async function openControl(
  { port, scenario }: { port: number | null; scenario: string | null },
  parts: Omit<ControlOptions, 'port' | 'pageDir'>,
): Promise<Control> {
  if (scenario !== null) return startControl(parts);
  const withPage = { ...parts, pageDir: await pageFolder() };
  return startControl({ ...withPage, port: port ?? PORT }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE' || port !== null) throw error;
    return startControl(withPage);
  });
}

/** Looks at once whether the page can be where somebody wants it: it is opened last of all. */
export async function mustBeFree(port: number): Promise<void> {
  await freePort(port).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'EADDRINUSE' ? 'is taken' : `cannot be opened (${cause.code})`;
    throw new Error(`--port ${port} ${why}: choose another, or leave it out.`, { cause });
  });
}

export function aboutOf(simulated: readonly ServiceName[], real: readonly ServiceName[]): ControlOptions['about'] {
  const names = { slack: 'Slack', claude: 'Claude', databricks: 'Databricks', mlflow: 'MLflow', github: 'GitHub', grafana: 'Grafana' };
  const by = { ...names, slack: 'a workspace on this machine', claude: 'a planner that follows rules and is no language model' };
  const model = simulated.includes('claude') ? 'The model is a rule-based stand-in, not Claude.' : 'The model is the real Claude.';
  const others = real.filter((name) => name !== 'claude').map((name) => names[name]);
  return {
    banner: `A sandbox on this machine. ${model}${others.length > 0 ? ` Real: ${others.join(', ')}.` : ''} labmate itself, its Redis and its queue are the real ones.`,
    simulated: simulated.map((name) => ({ name: names[name], by: by[name] === names[name] ? 'a local stand-in' : by[name] })),
  };
}

/** Does what no stand-in can, to the real processes. Answers a sentence. */
export async function wreak(what: Chaos, machine: Machine, behind: Behind): Promise<string> {
  switch (what.do) {
    case 'kill':
      await machine.kill(what.role);
      return `The ${what.role} was killed; another one is being started.`;
    case 'skip':
      await machine.skip(what.hours * 3_600_000);
      return `It is ${what.hours} hours later for Redis, labmate and every stand-in.`;
    case 'expire':
      if (await behind.expire(what.approval)) return 'Its time is over.';
      throw new Error('This approval is not open any more.');
    default:
      return what satisfies never;
  }
}

/** Writes a story down beside what the sandbox remembers; gives the path as one would type it here. */
export async function keepStory(dir: string, name: string, story: string): Promise<string> {
  const file = join(dir, 'stories', `${name}.json`);
  await mkdir(join(dir, 'stories'), { recursive: true });
  await writeFile(file, story);
  return relative(process.cwd(), file);
}
