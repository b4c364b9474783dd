import { defineConfig } from 'vitest/config';

/** One project per folder of test/: each may be run by its name, `vitest run --project unit`. */
function project(name: string, testTimeoutMs: number, more: { include?: string[]; globalSetup?: string } = {}) {
  const include = [`test/${name}/**/*.test.ts`];
  return { extends: true as const, test: { name, include, testTimeout: testTimeoutMs, hookTimeout: testTimeoutMs, ...more } };
}

export default defineConfig({
  test: {
    projects: [
      project('unit', 10_000),
      project('conformance', 15_000),
      project('server', 15_000),
      project('session', 15_000),
      project('faults', 60_000),
      project('interop', 60_000),
      project('examples', 60_000),
      project('docs', 60_000),
      project('packaging', 120_000, {
        include: ['test/packaging/**/*.test.ts', 'test/bundle/**/*.test.ts'],
        globalSetup: 'test/support/installed-package.ts',
      }),
    ],
    coverage: {
      provider: 'v8',
      include: ['src/core/**/*.ts'],
      exclude: ['**/*.d.ts'],
      reporter: ['text', 'html'],
      thresholds: { branches: 95 },
    },
  },
});
