type Report = {
  testResults: { name: string; status: string; message?: string; assertionResults: { fullName: string; status: string; failureMessages?: string[] }[] }[];
};
type Failed = { file: string; line: string };

export function countTests(report: Report | null, status: number | null): { passed: number; failed: number; skipped: number };
export function failedTests(report: Report | null, root: string): Failed[];
export function filesToTryAlone(failed: Failed[]): string[];
export function withSecondRun(first: Report, second: Report | null, status: number | null, root: string): Report;
