import { type ParseArgsConfig, parseArgs } from 'node:util';
import { COMMANDS, type Name } from '../bin/commands.mjs';
import { didYouMean } from './did-you-mean.ts';
import { Told } from './told.ts';

/** What was typed behind a command, read as `parseArgs` reads it. Throws Told in words of ours: Node's own are for whoever wrote the command. */
export function readArguments<const C extends ParseArgsConfig & { args: string[] }>(name: Name, config: C): ReturnType<typeof parseArgs<C>> {
  const { options = {}, allowPositionals = false } = config;
  const { tokens } = parseArgs({ args: config.args, options, allowPositionals: true, strict: false, tokens: true });
  const args = tokens.flatMap((token) => {
    if (token.kind === 'option-terminator') return ['--'];
    if (token.kind === 'positional') return allowPositionals ? [token.value] : wrong(`"${token.value}" is not expected here`);
    const { rawName, value } = token;
    const type = rawName.startsWith('--') ? options[token.name]?.type : undefined;
    if (type === undefined)
      return wrong(
        `there is no option ${rawName}${didYouMean(
          rawName,
          Object.keys(options).map((known) => `--${known}`),
        )}`,
      );
    if (type === 'boolean') return value === undefined ? [rawName] : wrong(`${rawName} takes no value`);
    // What stands next may be the next option; -1 is none, and is judged by whoever reads the value.
    return value && (token.inlineValue || !/^-\D/.test(value)) ? [`${rawName}=${value}`] : wrong(`${rawName} needs a value`);
  });
  return parseArgs({ ...config, args });

  function wrong(what: string): never {
    throw new Told(`labmate ${name}: ${what}. Usage: labmate ${COMMANDS[name].usage}`, 2);
  }
}

/** A whole number within these bounds, or Told with what may stand there. */
export function wholeNumber(name: Name, flag: string, given: string, [from, to]: readonly [number, number]): number {
  const number = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (number >= from && number <= to) return number;
  throw new Told(`labmate ${name}: ${flag} is "${given}": it takes a whole number from ${from} to ${to}.`, 2);
}
