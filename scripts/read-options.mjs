import { parseArgs } from 'node:util';

/** The options that a script was given, `usage` being how npm runs it. A mistake among them ends it at once, before anything is started. */
export function readOptions(usage, options) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return mistaken(usage, error.message.split('. ')[0]);
  }
}

/** Ends the script with one line that says what is wrong with its options, and how it is run. */
export function mistaken(usage, why) {
  process.stderr.write(`${why}. Usage: npm run ${usage}\n`);
  process.exit(2);
}
