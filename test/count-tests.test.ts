import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countTests, failedTests, filesToTryAlone } from '../scripts/count-tests.mjs';

const file = (name: string, failed: string[] = [], message = '') => ({
  name: join('/project', name),
  status: failed.length > 0 || message ? 'failed' : 'passed',
  message,
  assertionResults: [
    { fullName: 'holds', status: 'passed' },
    ...failed.map((fullName) => ({ fullName, status: 'failed', failureMessages: ['\u001b[31mno\u001b[39m\nat'] })),
  ],
});
const failing = (...names: string[]) => failedTests({ testResults: names.map((name) => file(name, ['a', 'b'])) }, '/project');

test('a failure is told by its file, its test and its first line, without colours', () => {
  expect(failing('test/stories/gate.test.ts').map(({ line }) => line)).toEqual(['test/stories/gate.test.ts > a: no', 'test/stories/gate.test.ts > b: no']);
  expect(failedTests({ testResults: [file('test/a.test.ts'), file('test/b.test.ts', [], 'no such module')] }, '/project')).toEqual([
    { file: 'test/b.test.ts', line: 'test/b.test.ts: no such module' },
  ]);
});

test('a file that was not loaded, and an end without a report, count as failed', () => {
  expect(countTests({ numPassedTests: 1, testResults: [file('test/b.test.ts', [], 'no such module')] }, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  expect(countTests(null, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('few files are tried once more; never those that look for what is rare', () => {
  expect(filesToTryAlone(failing('test/stories/gate.test.ts', 'test/slack/door.test.ts'))).toEqual(['test/stories/gate.test.ts', 'test/slack/door.test.ts']);
  expect(filesToTryAlone(failing('test/a.test.ts', 'test/b.test.ts', 'test/c.test.ts', 'test/d.test.ts'))).toEqual([]);
  expect(filesToTryAlone(failing('test/stories/gate.test.ts', 'test/crash-short.test.ts'))).toEqual([]);
  expect(filesToTryAlone(failing('test/safety/approvals.test.ts'))).toEqual([]);
});
