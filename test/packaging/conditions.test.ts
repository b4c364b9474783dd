import { execFileSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { type BuildFailure, build } from 'esbuild';
import { describe, expect, inject, test } from 'vitest';
import { makeProject } from '../support/installed-package.js';

/** What Node resolves when a runtime's or a bundler's condition stands before its own. */
function resolveIn(conditions: readonly string[], name = 'gemsocket'): string {
  const cwd = makeProject(inject('installation'), { 'main.mjs': `console.log(import.meta.resolve('${name}'))` });
  const flags = conditions.flatMap((condition) => ['-C', condition]);
  return basename(
    execFileSync(process.execPath, [...flags, 'main.mjs'], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim(),
  );
}

describe('the exports of the package', () => {
  test.each([
    ['a page', ['browser'], 'browser.js'],
    ['a worker bundle, which names browser too', ['worker', 'browser'], 'standard.js'],
    ['Cloudflare workers, which name worker and browser too', ['workerd', 'worker', 'browser'], 'standard.js'],
    ['edge runtimes', ['edge-light'], 'standard.js'],
    ['React Native, which may name browser too', ['react-native', 'browser'], 'standard.js'],
    ['Deno, which names node too', ['deno'], 'standard.js'],
    ['Bun, which names node too', ['bun'], 'standard.js'],
    ['Node', [], 'node.js'],
  ])('%s', (_runtime, conditions, file) => {
    expect(resolveIn(conditions)).toBe(file);
  });

  test.each([[['browser']], [['worker', 'browser']], [['deno']], [[]]])('a session is the same with the conditions %j', (conditions) => {
    expect(resolveIn(conditions, 'gemsocket/session')).toBe('session.js');
  });

  test.each([
    [['browser'], 'shared.js'],
    [['worker', 'browser'], 'standard.js'],
    [['react-native', 'browser'], 'standard.js'],
    [['deno'], 'standard.js'],
    [[], 'node.js'],
  ])('with the conditions %j tabs share, or there are none', (conditions, file) => {
    expect(resolveIn(conditions, 'gemsocket/shared')).toBe(file);
  });

  test('a runtime without a condition gets what needs a WebSocket and nothing else', async () => {
    const folder = makeProject(inject('installation'), { 'main.js': "export * from 'gemsocket'" });
    const { metafile } = await build({
      entryPoints: [join(folder, 'main.js')],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'neutral',
      logLevel: 'silent',
    });
    expect(Object.keys(metafile.inputs).map((path) => basename(path))).toContain('standard.js');
  });

  test('the server outside of Node is an error of the build that names the condition', async () => {
    const folder = makeProject(inject('installation'), { 'main.js': "import { listen } from 'gemsocket/server'; listen()" });
    const building = build({ entryPoints: [join(folder, 'main.js')], bundle: true, write: false, platform: 'browser', logLevel: 'silent' });
    const failure: BuildFailure = await building.catch((error) => error);
    expect(JSON.stringify(failure.errors)).toContain('Consider enabling the \\"node\\" condition');
  });
});
