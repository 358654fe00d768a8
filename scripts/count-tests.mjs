/** A file that could not be loaded holds no failed test, and an error outside every test none either: both count as a failure. */
export function countTests(report, status) {
  const passed = report?.numPassedTests ?? 0;
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  const unloadable = (report?.testResults ?? []).filter((file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'));
  const failed = (report?.numFailedTests ?? 0) + unloadable.length;
  return { passed, skipped, failed: failed === 0 && status !== 0 ? 1 : failed };
}
