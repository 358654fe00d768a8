import { readAnyConfig } from './config.ts';
import { VARIABLES } from './config-backends.ts';
import type { Variables } from './config-env.ts';
import { Told } from './told.ts';

export type RealService = keyof typeof VARIABLES;

/** The services of `--with NAME=real`. Throws Told where one is not known. */
export function realServices(choices: readonly string[]): RealService[] {
  const all = Object.keys(VARIABLES) as RealService[];
  return choices.map((choice) => {
    const name = all.find((known) => choice === `${known}=real`);
    if (name === undefined) throw new Told(`--with ${choice} is not known; it is NAME=real with NAME one of ${all.join(', ')}.`, 2);
    return name;
  });
}

/** Throws Told, with what to set, where these services cannot be used with these variables: nothing is started in vain. */
export function mustBeConfigured(services: readonly RealService[], variables: Variables): void {
  const read = readAnyConfig(variables);
  if (!read.ok) throw new Told(read.faults.join('\n'), 1);
  const { slack, claude, backends } = read.config;
  const configured = { slack, claude, ...backends };
  const absent = services.filter((name) => !configured[name]).map((name) => `--with ${name}=real needs ${VARIABLES[name]} in the environment.`);
  if (absent.length > 0) throw new Told(absent.join('\n'), 1);
}
