import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    // Suites with their own command: they take minutes, or need servers that are not here.
    exclude: ['test/crash/**', 'test/live/**', 'node_modules/**'],
    globalSetup: ['test/global-setup.ts'],
    // The stories wait for processes most of their time; vitest's own choice leaves one core of two idle.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
