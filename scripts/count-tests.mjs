import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** A file that could not be loaded holds no failed test, and an error outside every test none either: both count as a failure. */
export function countTests(report, status) {
  const passed = report?.numPassedTests ?? 0;
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  const unloadable = (report?.testResults ?? []).filter((file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'));
  const failed = (report?.numFailedTests ?? 0) + unloadable.length;
  return { passed, skipped, failed: failed === 0 && status !== 0 ? 1 : failed };
}

/** What failed: the file from `root`, and a line that names the test and gives the first line of what it said. */
export function failedTests(report, root) {
  return (report?.testResults ?? []).flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(root, name);
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0) return status === 'failed' ? [{ file, line: `${file}: ${firstLine(message)}` }] : [];
    return failed.map((test) => ({ file, line: `${file} > ${test.fullName}: ${firstLine(test.failureMessages[0])}` }));
  });
}

/** The files that get one more run by themselves: few, and none of those that look for what happens once in a hundred times. */
export function filesToTryAlone(failed) {
  const files = [...new Set(failed.map(({ file }) => file))];
  const rare = files.some((file) => /^test[/\\](crash|safety)/.test(file));
  return files.length <= 3 && !rare ? files : [];
}

// Without colours: it is read in logs.
const firstLine = (message = '') => stripVTControlCharacters(message).split('\n')[0].slice(0, 300);
