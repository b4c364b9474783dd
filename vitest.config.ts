import { readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** Minutes rather than seconds for what starts other programs, or breaks a link and waits to see it found. */
const TIMEOUTS_MS: Readonly<Record<string, number>> = {
  docs: 60_000,
  examples: 60_000,
  faults: 60_000,
  interop: 60_000,
  packaging: 120_000,
};

/** For these alone, and where nobody looks on: a machine that is short of time for a moment is no fault. */
const retry = (name: string) => (process.env.CI && name in TIMEOUTS_MS ? 1 : 0);

/** Every folder of test/ is a project, so none can be forgotten; each may be run by its name, `vitest run --project unit`. */
const folders = readdirSync('test', { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'support');

export default defineConfig({
  test: {
    projects: folders.map(({ name }) => ({
      extends: true as const,
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout: TIMEOUTS_MS[name] ?? 15_000,
        hookTimeout: TIMEOUTS_MS[name] ?? 15_000,
        retry: retry(name),
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
