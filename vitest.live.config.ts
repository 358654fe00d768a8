import { defineConfig } from 'vitest/config';

// `npm run test:live`: programs that others wrote, started once for all files.
export default defineConfig({
  test: {
    include: ['test/live/**/*.test.ts'],
    globalSetup: ['test/live/global-setup.ts'],
    testTimeout: 240_000,
    hookTimeout: 120_000,
    // Two servers in Python run beside them.
    maxWorkers: 2,
  },
});
