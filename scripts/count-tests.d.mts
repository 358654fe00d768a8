type Told = {
  numPassedTests?: number;
  testResults: { name: string; status: string; message: string; assertionResults: { fullName: string; status: string; failureMessages?: string[] }[] }[];
};
type Failed = { file: string; line: string };

export function countTests(report: Told | null, status: number | null): { passed: number; failed: number; skipped: number };
export function failedTests(report: Told | null, root: string): Failed[];
export function filesToTryAlone(failed: Failed[]): string[];
