import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Files that start processes of the product or change what their own process is. The others share a process, and are spared importing everything anew.
const APART = ['test/stories/**/*.test.ts', 'test/sandbox/launch.test.ts', 'test/crash-*.test.ts', 'test/cli.test.ts', 'test/safety/**/*.test.ts'];
// Suites with their own command: they take minutes, or need servers that are not here.
const ELSEWHERE = ['test/crash/**', 'test/live/**', 'node_modules/**'];
// In this order, before all others: begun last, they would run alone at the end.
const LONGEST = ['crash-short', 'crash-time', 'stories/training', 'stories/page', 'stories/approvals', 'stories/kill', 'stories/mcp-doors'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      if (found >= 0) return found;
      return moduleId.includes('/stories/') || moduleId.includes('/safety/') ? LONGEST.length : LONGEST.length + 1;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    // The stories wait for processes most of their time; vitest's own choice leaves one core of two idle.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 20_000,
    hookTimeout: 30_000,
    projects: [
      // On a machine that others use, processes may stand still for seconds. Patience costs nothing where a story passes.
      { extends: true, test: { name: 'stories', include: APART, exclude: ELSEWHERE, testTimeout: 180_000, hookTimeout: 120_000 } },
      { extends: true, test: { name: 'parts', include: ['test/**/*.test.ts', 'test/**/*.test.tsx'], exclude: [...ELSEWHERE, ...APART], isolate: false } },
    ],
  },
});
