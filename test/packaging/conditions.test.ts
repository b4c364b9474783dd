import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BuildFailure, build } from 'esbuild';
import { describe, expect, inject, test } from 'vitest';
import { makeProject } from '../support/installed-package.js';

/** The file that Node resolves when a condition of a runtime or bundler precedes its own. */
function resolveIn(conditions: readonly string[], name = 'gemsocket'): string {
  const cwd = makeProject(inject('installation'), { 'main.mjs': `console.log(import.meta.resolve('${name}'))` });
  const flags = conditions.flatMap((condition) => ['-C', condition]);
  return basename(
    execFileSync(process.execPath, [...flags, 'main.mjs'], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim(),
  );
}

type Exports = string | { readonly [condition: string]: Exports };

/** The file for exactly these conditions, as a bundler resolves it; undefined if there is none. */
function fileFor(conditions: readonly string[], subpath = '.'): string | undefined {
  const path = join(inject('installation'), 'node_modules/gemsocket/package.json');
  const { exports } = JSON.parse(readFileSync(path, 'utf8')) as { exports: Record<string, Exports> };
  const find = (target: Exports): string | undefined => {
    if (typeof target === 'string') return basename(target);
    const fitting = Object.entries(target).filter(([condition]) => condition === 'default' || conditions.includes(condition));
    return fitting.map(([, inner]) => find(inner)).find((file) => file !== undefined);
  };
  return find(exports[subpath] ?? {});
}

/** All combinations of the conditions that the package knows: 512. */
function combinations(): string[][] {
  const known = ['react-native', 'workerd', 'edge-light', 'worker', 'deno', 'bun', 'browser', 'node', 'development'];
  return known.reduce<string[][]>((all, condition) => all.concat(all.map((some) => [...some, condition])), [[]]);
}

describe('the exports of the package', () => {
  test.each([
    ['a page', ['browser'], 'browser'],
    ['a worker bundle, which names browser too', ['worker', 'browser'], 'standard'],
    ['Cloudflare workers, which name worker and browser too', ['workerd', 'worker', 'browser'], 'standard'],
    ['edge runtimes', ['edge-light'], 'standard'],
    ['React Native, which may name browser too', ['react-native', 'browser'], 'standard'],
    ['a runtime without a condition', [], 'standard'],
  ])('%s: without the sentences of errors, unless the condition `development` is set', (_runtime, conditions, entry) => {
    expect(fileFor(conditions)).toBe(`${entry}.js`);
    expect(fileFor([...conditions, 'development'])).toBe(`${entry}.dev.js`);
  });

  test.each([
    ['Deno, which names node too', ['deno'], 'standard.dev.js'],
    ['Bun, which names node too', ['bun'], 'standard.dev.js'],
    ['Node with the condition of a worker', ['worker'], 'standard.dev.js'],
    ['Node with the condition of a browser', ['browser'], 'browser.dev.js'],
    ['Node', [], 'node.js'],
  ])('%s: with the sentences of errors', (_runtime, conditions, file) => {
    expect(resolveIn(conditions)).toBe(file);
  });

  test('all entries of a program are of one build for any combination of conditions', () => {
    for (const conditions of combinations()) {
      const hasSentences = conditions.includes('node') || conditions.includes('development');
      const files = ['.', './session', './shared', './topics', './websocket-stream'].map((subpath) => fileFor(conditions, subpath) ?? '');
      const server = fileFor(conditions, './server') ?? [];
      const withSentences = files.concat(server).filter((file) => /^(node|server)\.js$|\.dev\.js$/.test(file));
      expect([conditions, withSentences]).toEqual([conditions, hasSentences ? files.concat(server) : []]);
    }
  });

  test.each([[['browser']], [['worker', 'browser']], [['deno']], [[]]])('a session is the same with the conditions %j', (conditions) => {
    expect(resolveIn(conditions, 'gemsocket/session')).toBe('session.dev.js');
    expect(fileFor(conditions, './session')).toBe('session.js');
  });

  test.each([
    [['browser'], 'shared.js'],
    [['worker', 'browser'], 'standard.js'],
    [['react-native', 'browser'], 'standard.js'],
    [[], 'standard.js'],
  ])('with the conditions %j and without node, the shared entry has the expected support', (conditions, file) => {
    expect(fileFor(conditions, './shared')).toBe(file);
  });

  test.each([
    [['browser'], 'shared.dev.js'],
    [['worker', 'browser'], 'standard.dev.js'],
    [['react-native', 'browser'], 'standard.dev.js'],
    [['deno'], 'standard.dev.js'],
    [[], 'node.js'],
  ])('with the conditions %j, the shared entry has the expected support', (conditions, file) => {
    expect(resolveIn(conditions, 'gemsocket/shared')).toBe(file);
  });

  test('a runtime without a condition gets the build that needs only a global WebSocket', async () => {
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

  test('importing the server outside of Node is a build error that names the condition', async () => {
    const folder = makeProject(inject('installation'), { 'main.js': "import { listen } from 'gemsocket/server'; listen()" });
    const building = build({ entryPoints: [join(folder, 'main.js')], bundle: true, write: false, platform: 'browser', logLevel: 'silent' });
    const failure: BuildFailure = await building.catch((error) => error);
    expect(JSON.stringify(failure.errors)).toContain('Consider enabling the \\"node\\" condition');
  });
});
