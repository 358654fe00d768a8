import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** A file that could not be loaded holds no failed test, and an error outside every test none either: both count as a failure. */
export function countTests(report, status) {
  const files = report?.testResults ?? [];
  const tests = files.flatMap((file) => file.assertionResults);
  const passed = tests.filter((test) => test.status === 'passed').length;
  const named = tests.filter((test) => test.status === 'failed').length;
  const failed = named + files.filter(isUnloadable).length;
  return { passed, skipped: tests.length - passed - named, failed: failed === 0 && status !== 0 ? 1 : failed };
}

/** What failed: the file from `root`, and a line that names the test and gives what it said. */
export function failedTests(report, root) {
  return (report?.testResults ?? []).flatMap((found) => {
    const file = relative(root, found.name);
    if (isUnloadable(found)) return [{ file, line: `${file}: ${inOneLine(found.message)}` }];
    const failed = found.assertionResults.filter((test) => test.status === 'failed');
    return failed.map((test) => ({ file, line: `${file} > ${test.fullName}: ${inOneLine(test.failureMessages[0])}` }));
  });
}

/** The files that get one more run by themselves: few, and stories alone; of these none that looks for what happens once in a hundred times. */
export function filesToTryAlone(failed) {
  const files = [...new Set(failed.map(({ file }) => file))];
  const may = files.every((file) => /^test[/\\]stories[/\\](?!(kill|gate|approvals)\.)/.test(file));
  return may && files.length <= 3 ? files : [];
}

/** The first report, with what the second says of its files. A second run that ended without naming what failed changes nothing. */
export function withSecondRun(first, second, status, root) {
  if (!second || (status !== 0 && failedTests(second, root).length === 0)) return first;
  return { testResults: first.testResults.map((file) => second.testResults.find(({ name }) => name === file.name) ?? file) };
}

const isUnloadable = ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
/** One line of what it said, without colours and places in the code: it is read where a log ends, and often that end is all that is kept of it. */
function inOneLine(message = '') {
  const lines = stripVTControlCharacters(message).split('\n');
  const place = lines.findIndex((line) => /^\s+at /.test(line));
  return lines
    .slice(0, place < 0 ? undefined : place)
    .filter(Boolean)
    .join(' ⏎ ')
    .slice(0, 3_000);
}
