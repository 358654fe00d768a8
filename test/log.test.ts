import { expect, it } from 'vitest';
import { createLog } from '../src/log.ts';

it('cuts secrets out of messages, errors and fields, and carries what a child is about', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', secrets: ['xoxb-secret-1'], role: 'worker', to: { write: (line: string) => lines.push(line) } });
  log
    .child({ session: 's1' })
    .error({ err: new Error('asked with xoxb-secret-1'), request: { headers: { authorization: 'Bearer abc' } } }, 'Slack refused xoxb-secret-1');
  expect(lines.join('')).not.toMatch(/xoxb-secret-1|Bearer abc/);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'error',
    role: 'worker',
    session: 's1',
    msg: 'Slack refused [secret removed]',
    err: { message: 'asked with [secret removed]' },
  });
});
