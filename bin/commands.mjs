// Plain JavaScript, because what the command can do is told before anything is installed.
import { readFileSync } from 'node:fs';

export const COMMANDS = {
  start: { usage: 'start', what: 'run labmate (ROLE=gateway, worker or all)' },
  sandbox: {
    usage: 'sandbox [--headless --scenario NAME|FILE.json] [--socket | --http] [--with NAME=real] [--port N] [--training-seconds N] [--dir FOLDER]',
    what: 'all of it on this machine, with stand-ins for every service and a page to talk to it',
  },
  mcp: {
    usage: 'mcp [ls] [--read-only] [--toolsets A,B] [--exclude-tools A,B]',
    what: 'the tools over stdio for any MCP client; ls lists them, with what becomes of a call and why',
  },
  doctor: { usage: 'doctor', what: 'check configuration, tokens, manifest, Redis and every backend' },
  manifest: { usage: 'manifest [--http URL]', what: 'print the Slack app manifest, for Socket Mode or for HTTP at URL' },
  record: { usage: 'record ID [--format jsonl|md]', what: 'print a session’s record' },
  records: {
    usage: 'records FOLDER [--expire]',
    what: 'write the record of every ended session into a folder; --expire then takes those past "retention" out of Redis',
  },
  redraw: { usage: 'redraw', what: 'draw every open thread anew from its log, after Redis was restored from a backup' },
  // Not for people.
  step: { usage: 'step SESSION', what: 'one step of one session, for the worker that starts it', hidden: true },
  verify: { usage: 'verify FILE [--head SHA256]', what: 'check a record (- reads stdin)' },
};

/** What is asked of the command itself, and so needs nothing of it to run: help, its version, a command it does not have. Null where one is to be run. */
export function answerAtOnce(argv) {
  const [name = '--help', ...args] = argv;
  if (name === '--help' || name === '-h' || name === 'help') return { text: help(), exitCode: 0 };
  if (name === '--version' || name === '-v') return { text: version(), exitCode: 0 };
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) return { text: `labmate has no command "${name}". It has ${forPeople().join(', ')}; see labmate --help.`, exitCode: 2 };
  if (args.includes('--help')) return { text: `labmate ${command.usage}\n    ${command.what}`, exitCode: 0 };
  return null;
}

function help() {
  const lines = forPeople().map((name) => `  labmate ${COMMANDS[name].usage}\n      ${COMMANDS[name].what}`);
  return ['labmate: a teammate for ML experiments that lives in Slack', '', ...lines, '', '  labmate --version, labmate COMMAND --help'].join('\n');
}

function forPeople() {
  return Object.keys(COMMANDS).filter((name) => !COMMANDS[name].hidden);
}

function version() {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}
