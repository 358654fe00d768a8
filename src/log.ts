import { type DestinationStream, type Logger, pino } from 'pino';
import { masked, scrubber, suspicion } from './policy/secrets.ts';

/** Child loggers carry what they are about: `log.child({ session, call })`. */
export type Log = Logger;

/**
 * JSON lines for the operator, on stderr: stdout belongs to protocols and to what a command prints.
 * Known secret values are cut out of everything, wherever they hide; fields whose name says secret are cut out too.
 */
export function createLog(options: { level: string; secrets: readonly string[]; role?: string; to?: DestinationStream }): Log {
  const to = options.to ?? pino.destination({ dest: 2, sync: true });
  const known = scrubber(options.secrets);
  const suspect = suspicion(options.secrets);
  const scrub = (line: string) => {
    const named = NAMED.test(line) ? withoutSecretFields(line) : line;
    return suspect(named) ? masked(known(named)) : named;
  };
  return pino(
    {
      level: options.level,
      base: options.role ? { role: options.role } : null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Scrubbed as text, after pino has put the line together: a token inside an error's message or a URL has no field name.
    { write: (line: string) => to.write(scrub(line)) },
  );
}

/** One look at the finished line: pino's own redaction walks through each object for each name, which was a quarter of what a line cost. */
function withoutSecretFields(line: string): string {
  return `${JSON.stringify(JSON.parse(line, (name, value: unknown) => (SECRET_FIELDS.includes(name) ? '[secret]' : value)))}\n`;
}

const SECRET_FIELDS = [
  'token',
  'apiKey',
  'password',
  'secret',
  'authorization',
  'Authorization',
  'botToken',
  'appToken',
  'signingSecret',
  'privateKey',
  'clientSecret',
];

const NAMED = new RegExp(`"(?:${SECRET_FIELDS.join('|')})":`);
