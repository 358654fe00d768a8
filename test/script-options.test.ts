import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Long enough for a busy machine, too short for anything that these scripts start. */
const AT_ONCE_MS = 15_000;

test.each([
  ['check', ['--no-test'], /^Unknown option '--no-test'\. Usage: npm run check -- \[--no-tests\]$/],
  ['test-approvals', ['--shedules=5'], /^Unknown option '--shedules'\. Usage: npm run test:approvals -- /],
  ['test-approvals', ['--schedules=many'], /^--schedules is "many", which is not a whole number from 1 on\. Usage: npm run test:approvals -- /],
  ['test-approvals', ['--killed=0'], /^--killed is "0", which is not a whole number from 1 on\. Usage: /],
  ['test-crash', ['--cuont', '5'], /^Unknown option '--cuont'\. Usage: npm run test:crash -- /],
  ['test-crash', ['--count', 'x'], /^--count, .* are whole numbers\. Usage: npm run test:crash -- /],
  ['test-crash', ['--size', 'x'], /^--size is "x", which is not a whole number from 1 on\. Usage: npm run test:crash -- /],
  ['test-crash', ['--only', 'nothing like it'], /^No kill is called "nothing like it"\. There are: /],
  ['test-package', ['--keep'], /^Unknown option '--keep'\. Usage: npm run test:package$/],
  ['test-slack', ['--fast'], /^Unknown option '--fast'\. Usage: npm run test:slack -- /],
  ['test-slack', ['--only', 'acks'], /^--only is one of ack, once, first\. Usage: npm run test:slack -- /],
  ['bench', ['--fast'], /^Unknown option '--fast'\. Usage: npm run bench -- /],
  ['bench', ['--only', 'start,nope'], /^There is no part "nope"; there are sessions, parked, bytes, asking, people and start\. Usage: npm run bench -- /],
])('%s %j is told in one line, and nothing is started', (script, args, sentence) => {
  const ran = spawnSync(process.execPath, [`scripts/${script}.mjs`, ...args], { encoding: 'utf8', timeout: AT_ONCE_MS });
  expect(ran.stderr.trim()).toMatch(sentence);
  expect(ran.stderr.trim().split('\n')).toHaveLength(1);
  expect({ status: ran.status, stdout: ran.stdout }).toEqual({ status: 2, stdout: '' });
});

test('hours that cannot pass on a machine without libfaketime are no passed check, and how to install it is said', () => {
  // A machine of that kind: the library's file is not there, for whoever looks.
  const without = `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
    const there = fs.existsSync; fs.existsSync = (path) => !String(path).includes('faketime') && there(path); syncBuiltinESMExports();`;
  const env = { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(without)}` };
  const ran = spawnSync(process.execPath, ['scripts/test-crash.mjs', '--time', '--count', '1'], { encoding: 'utf8', timeout: AT_ONCE_MS, env });
  expect(ran).toMatchObject({
    status: 2,
    stdout: '',
    stderr: 'hours and days cannot pass here: that needs Linux with libfaketime (sudo apt-get install libfaketime), so nothing was checked\n',
  });
});
