import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { JOBS, limit, measurePace } from './test/support/pace.js';

await measurePace();

/** Of one test, at the reference pace: more for those that start other programs, install packages, or build with tools. */
const TIMEOUTS_MS: Readonly<Record<string, number>> = {
  docs: 60_000,
  examples: 60_000,
  faults: 60_000,
  interop: 60_000,
  packaging: 120_000,
};

/** Every folder of test/ is a project, so none can be forgotten; each may be run by its name, `vitest run --project unit`. */
const folders = readdirSync('test', { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'support');

export default defineConfig({
  test: {
    maxWorkers: JOBS,
    projects: folders.map(({ name }) => ({
      extends: true as const,
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout: limit(TIMEOUTS_MS[name] ?? 30_000),
        hookTimeout: limit(TIMEOUTS_MS[name] ?? 30_000),
        expect: { poll: { timeout: limit(10_000), interval: 10 } },
        ...(name === 'packaging' ? { globalSetup: 'test/support/installed-package.ts' } : {}),
      },
    })),
    coverage: {
      provider: 'v8',
      include: ['src/core/**/*.ts'],
      exclude: ['**/*.d.ts'],
      reporter: ['text', 'html'],
      thresholds: { branches: 95 },
    },
  },
});
