import { defineConfig } from 'vitest/config';

/** `npm run test:approvals`: the schedules and the injections in their full number, and those with real processes, which take minutes. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/safety/approvals.test.ts', 'test/safety/approvals-killed.ts', 'test/safety/injections.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 3_600_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
});
