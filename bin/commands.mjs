// Plain JavaScript, because what the command can do is told before anything is installed.
import { readFileSync } from 'node:fs';

export const COMMANDS = {
  start: { usage: 'start', what: 'run labmate (ROLE=gateway, worker or all)' },
  sandbox: {
    usage: 'sandbox [--headless --scenario NAME|FILE.json] [--socket | --http] [--with NAME=real] [--port N] [--training-seconds N] [--dir FOLDER]',
    what: 'all of it on this machine, with stand-ins for every service and a page to talk to it',
    more: [
      '--scenario NAME is one of ablation, no-gain, denied, job-fails, prod-refused, unknown-config, unknown-key, follow-up, rerun, drop-below, diverges,',
      '  fan-out, chain, mount, not-a-scheduler, or a story saved from the page; it is played in the terminal, with --headless',
      '--socket (the default) and --http are how Slack reaches labmate',
      '--with NAME=real takes the real service for claude, slack, databricks, mlflow, github or grafana, by its variables; again for another one',
      '--port N is the page’s (default 4800, or any that is free); --training-seconds N how long a run takes (default 6)',
      '--dir FOLDER keeps what it remembers (default .sandbox in the checkout)',
    ],
  },
  mcp: {
    usage: 'mcp [ls] [--read-only] [--toolsets A,B] [--exclude-tools A,B]',
    what: 'the tools over stdio for any MCP client; ls lists them, with what becomes of a call and why',
    more: [
      '--toolsets A,B offers these only, of databricks, mlflow, github, grafana, slack, people, sessions (default: all whose backends are configured)',
      '--exclude-tools A,B leaves tools out by their names; --read-only offers none that changes anything',
    ],
  },
  doctor: { usage: 'doctor', what: 'check configuration, tokens, manifest, Redis and every backend' },
  manifest: { usage: 'manifest [--http URL]', what: 'print the Slack app manifest, for Socket Mode or for HTTP at URL' },
  record: {
    usage: 'record ID [--format jsonl|md]',
    what: 'print a session’s record',
    more: ['--format jsonl (the default) is what verify reads, md a report for people'],
  },
  records: {
    usage: 'records FOLDER [--expire]',
    what: 'write the record of every ended session into a folder; --expire then takes those past "retention" out of Redis',
  },
  redraw: { usage: 'redraw', what: 'draw every open thread anew from its log, after Redis was restored from a backup' },
  // Not for people.
  step: { usage: 'step SESSION', what: 'one step of one session, for the worker that starts it', hidden: true },
  verify: {
    usage: 'verify FILE [--head SHA256]',
    what: 'check a record (- reads stdin)',
    more: ['--head is the one in the thread, the pull request or the MLflow run: without it a record that was written anew holds too'],
  },
};

/** What is asked of the command itself, and so needs nothing of it to run: help, its version, a command it does not have. Null where one is to be run. */
export function answerAtOnce(argv) {
  const [name = '--help', ...args] = argv;
  const asksHelp = (word) => word === '--help' || word === '-h';
  if (asksHelp(name) || name === 'help') return args.length > 0 && !asksHelp(args[0]) ? answerAtOnce([args[0], '--help']) : { text: help(), exitCode: 0 };
  if (name === '--version' || name === '-v') return { text: version(), exitCode: 0 };
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    const [meant] = [1, ...(name.length < 5 ? [] : [2])].flatMap((changes) => forPeople().filter((known) => isNear(name, known, changes)));
    const perhaps = meant ? ` (did you mean "${meant}"?)` : '';
    return { text: `labmate has no command "${name}"${perhaps}. It has ${forPeople().join(', ')}; see labmate --help.`, exitCode: 2 };
  }
  if (args.some(asksHelp)) return { text: [`labmate ${command.usage}`, command.what, ...(command.more ?? [])].join('\n    '), exitCode: 0 };
  return null;
}

function help() {
  const lines = forPeople().map((name) => `  labmate ${COMMANDS[name].usage}\n      ${COMMANDS[name].what}`);
  return ['labmate: a teammate for ML experiments that lives in Slack', '', ...lines, '', '  labmate --version, labmate COMMAND --help'].join('\n');
}

/** Whether so many letters added, left out or replaced make one of the other. What the rest of labmate asks for this with needs to be compiled first. */
function isNear(a, b, changes) {
  if (changes < 0) return false;
  if (a === '' || b === '') return a.length + b.length <= changes;
  if (a[0] === b[0]) return isNear(a.slice(1), b.slice(1), changes);
  return [
    [a.slice(1), b],
    [a, b.slice(1)],
    [a.slice(1), b.slice(1)],
  ].some(([x, y]) => isNear(x, y, changes - 1));
}

function forPeople() {
  return Object.keys(COMMANDS).filter((name) => !COMMANDS[name].hidden);
}

function version() {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}
