import { defineConfig } from 'vitest/config';

/** One project per folder of test/: each may be run by its name, `vitest run --project unit`. */
function project(name: string, testTimeoutMs: number) {
  return {
    extends: true as const,
    test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: testTimeoutMs, hookTimeout: testTimeoutMs },
  };
}

export default defineConfig({
  test: {
    projects: [
      project('unit', 10_000),
      project('conformance', 15_000),
      project('server', 15_000),
      project('session', 15_000),
      project('interop', 60_000),
      project('packaging', 180_000),
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
