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
  const scrub = (line: string) => (suspect(line) ? masked(known(line)) : line);
  return pino(
    {
      level: options.level,
      base: options.role ? { role: options.role } : null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '[secret]' },
    },
    // Scrubbed as text, after pino has put the line together: a token inside an error's message or a URL has no field name.
    { write: (line: string) => to.write(scrub(line)) },
  );
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
