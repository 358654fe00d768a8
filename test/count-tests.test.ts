import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { countTests, failedTests, filesToTryAlone, withSecondRun } from '../scripts/count-tests.mjs';

const ROOT = join('/', 'project');
const STORY = 'test/stories/mount.test.ts';
/** A file's part of vitest's report: each test is its name and how it came out. */
const file = (name: string, tests: Record<string, string>, message = '') => ({
  name: join(ROOT, name),
  status: message || Object.values(tests).includes('failed') ? 'failed' : 'passed',
  message,
  assertionResults: Object.entries(tests).map(([fullName, status]) => ({
    fullName,
    status,
    failureMessages: ['\u001b[31mno\u001b[39m\nthe channel shows\n    at a.ts:1'],
  })),
});
const report = (...testResults: ReturnType<typeof file>[]) => ({ testResults });
const failing = (...names: string[]) => failedTests(report(...names.map((name) => file(name, { a: 'failed', b: 'failed', c: 'passed' }))), ROOT);

test('a failure is told in one line: its file, its test and what it said, without colours and places', () => {
  expect(failing(STORY).map(({ line }) => line)).toEqual([`${STORY} > a: no ⏎ the channel shows`, `${STORY} > b: no ⏎ the channel shows`]);
  expect(failedTests(report(file('test/a.test.ts', { a: 'passed' }), file('test/b.test.ts', {}, 'no such module')), ROOT)).toEqual([
    { file: 'test/b.test.ts', line: 'test/b.test.ts: no such module' },
  ]);
});

test('a file that was not loaded, an error outside every test and an end without a report count as failed', () => {
  expect(countTests(report(file('test/b.test.ts', { a: 'passed', b: 'skipped' }, 'no such module')), 1)).toEqual({ passed: 1, failed: 1, skipped: 1 });
  expect(countTests(report(file('test/b.test.ts', { a: 'passed' })), 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  expect(countTests(null, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

describe('what failed gets a second run', () => {
  test('where it is a story, and few', () => {
    expect(filesToTryAlone(failing(STORY, 'test/stories/direct.test.ts'))).toEqual([STORY, 'test/stories/direct.test.ts']);
    expect(filesToTryAlone(failing(...['a', 'b', 'c', 'd'].map((name) => `test/stories/${name}.test.ts`)))).toEqual([]);
  });

  test.each([
    'test/crash-short.test.ts',
    'test/safety/approvals.test.ts',
    'test/slack/views.test.ts',
    'test/stories/kill.test.ts',
    'test/stories/gate.test.ts',
    'test/stories/approvals.test.ts',
  ])('but not beside %s', (name) => {
    expect(filesToTryAlone(failing(STORY, name))).toEqual([]);
  });

  test('which counts, with all tests of its file; one that ended without naming what failed does not', () => {
    const first = report(file(STORY, { a: 'skipped', b: 'skipped' }, 'a hook failed'), file('test/a.test.ts', { a: 'passed' }));
    const better = report(file(STORY, { a: 'passed', b: 'passed' }));
    expect(countTests(withSecondRun(first, better, 0, ROOT), 0)).toEqual({ passed: 3, failed: 0, skipped: 0 });
    const worse = report(file(STORY, { a: 'failed', b: 'passed' }));
    expect(countTests(withSecondRun(first, worse, 1, ROOT), 0)).toEqual({ passed: 2, failed: 1, skipped: 0 });
    expect(withSecondRun(first, better, 1, ROOT)).toBe(first);
    expect(withSecondRun(first, null, 1, ROOT)).toBe(first);
  });
});
