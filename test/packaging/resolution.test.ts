import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { nodeResolve, type RollupNodeResolveOptions } from '@rollup/plugin-node-resolve';
import * as esbuild from 'esbuild';
import { type CustomResolutionContext, resolve as resolveAsMetro } from 'metro-resolver';
import { rollup } from 'rollup';
import * as vite from 'vite';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import webpack from 'webpack';
import { makeProject } from '../support/installed-package.js';

/** The entries that every platform may import. */
const EVERYWHERE = ['gemsocket/session', 'gemsocket/topics', 'gemsocket/websocket-stream'] as const;

/** The file of dist/ that an import of this name resolves to. */
type Resolve = (name: string) => Promise<string>;

const project = (name: string) => makeProject(inject('installation'), { 'main.js': `export * from '${name}';` });

/** The entry among all bundled files: the one that main.js imports. Shared chunks have other names. */
function entryOf(files: readonly string[]): string {
  const entry = /^(node\.js|(browser|standard|session|topics|websocket-stream)(\.dev)?\.js)$/;
  const found = [...new Set(files.map((file) => basename(file)))].filter((file) => entry.test(file));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
}

function esbuildFor(platform: esbuild.Platform, conditions?: string[]): Resolve {
  return async (name) => {
    const { metafile } = await esbuild.build({
      entryPoints: [join(project(name), 'main.js')],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform,
      logLevel: 'error',
      ...(conditions === undefined ? {} : { conditions }),
    });
    return entryOf(Object.keys(metafile.inputs));
  };
}

function rollupFor(options: RollupNodeResolveOptions): Resolve {
  return async (name) => {
    const bundle = await rollup({
      input: join(project(name), 'main.js'),
      plugins: [nodeResolve(options)],
      external: ['isomorphic-ws', 'ws', /^node:/],
    });
    const { watchFiles } = bundle;
    await bundle.close();
    return entryOf(watchFiles);
  };
}

function viteFor(build: vite.BuildOptions, more: vite.InlineConfig = {}): Resolve {
  return async (name) => {
    const root = project(name);
    const seen: string[] = [];
    await vite.build({
      root,
      configFile: false,
      logLevel: 'error',
      plugins: [{ name: 'seen', moduleParsed: ({ id }) => void seen.push(id) }],
      build: { write: false, rollupOptions: { input: join(root, 'main.js'), preserveEntrySignatures: 'strict' }, ...build },
      ...more,
    });
    return entryOf(seen);
  };
}

function webpackFor(target: string, mode: 'production' | 'development'): Resolve {
  return async (name) => {
    const folder = project(name);
    const compiler = webpack({
      context: folder,
      entry: './main.js',
      mode,
      optimization: { concatenateModules: false },
      target,
      output: { path: join(folder, 'out'), library: { type: 'module' }, module: true },
      experiments: { outputModule: true },
    });
    const stats = await new Promise<webpack.Stats | undefined>((done, failed) => {
      compiler.run((error, result) => (error === null ? done(result) : failed(error)));
    });
    expect(stats?.toJson({ all: false, errors: true }).errors).toEqual([]);
    return entryOf([...(stats?.compilation.modules ?? [])].map((module) => module.nameForCondition() ?? ''));
  };
}

const PACKAGE = join('/', 'node_modules', 'gemsocket');

/** Metro's own resolver, with the settings of React Native's default configuration. */
function metroFor(platform: string, isESMImport = true): Resolve {
  return async (name) => {
    const folder = project(name);
    const packageAt = (path: string) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null);
    const lookup = (path: string) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return { exists: false as const };
      return { exists: true as const, type: stats.isDirectory() ? ('d' as const) : ('f' as const), realPath: realpathSync(path) };
    };
    const context = {
      allowHaste: false,
      assetExts: new Set<string>(),
      customResolverOptions: {},
      dev: false,
      disableHierarchicalLookup: false,
      doesFileExist: existsSync,
      extraNodeModules: {},
      fileSystemLookup: lookup,
      getPackage: packageAt,
      getPackageForModule: (path: string) => {
        const [before, inside] = path.split(PACKAGE);
        if (before === undefined || inside === undefined) return null;
        const rootPath = before + PACKAGE;
        return { rootPath, packageJson: packageAt(join(rootPath, 'package.json')), packageRelativePath: inside.slice(1) };
      },
      isESMImport,
      mainFields: ['react-native', 'browser', 'main'],
      nodeModulesPaths: [],
      originModulePath: join(folder, 'main.js'),
      preferNativePlatform: true,
      redirectModulePath: (path: string) => path,
      resolveAsset: () => undefined,
      resolveHasteModule: () => undefined,
      resolveHastePackage: () => undefined,
      sourceExts: ['js', 'jsx', 'json', 'ts', 'tsx'],
      unstable_conditionNames: ['react-native'],
      unstable_conditionsByPlatform: { web: ['browser'] },
      unstable_enablePackageExports: true,
      unstable_incrementalResolution: false,
      unstable_logWarning: (message: string) => {
        throw new Error(message);
      },
    };
    const resolution = resolveAsMetro(context as unknown as CustomResolutionContext, name, platform);
    return resolution.type === 'sourceFile' ? basename(resolution.filePath) : resolution.type;
  };
}

const onWorker: vite.SSROptions = { noExternal: ['gemsocket'], target: 'webworker' };

const targets: readonly (readonly [target: string, file: string, resolve: Resolve])[] = [
  ['esbuild for a browser', 'browser.js', esbuildFor('browser')],
  ['esbuild for a browser, in development', 'browser.dev.js', esbuildFor('browser', ['development'])],
  ['esbuild for a worker of Cloudflare', 'standard.js', esbuildFor('browser', ['workerd', 'worker', 'browser'])],
  ['esbuild for Deno', 'standard.js', esbuildFor('neutral', ['deno'])],
  ['esbuild for Bun', 'standard.js', esbuildFor('neutral', ['bun'])],
  ['esbuild for React Native', 'standard.js', esbuildFor('neutral', ['react-native'])],
  ['esbuild without a platform', 'standard.js', esbuildFor('neutral')],
  ['esbuild for Node', 'node.js', esbuildFor('node')],
  ['Rollup for a browser', 'browser.js', rollupFor({ browser: true })],
  ['Rollup for a browser, in development', 'browser.dev.js', rollupFor({ browser: true })],
  ['Rollup for Node', 'node.js', rollupFor({ exportConditions: ['node'] })],
  ['Rollup without a platform', 'standard.js', rollupFor({})],
  ['Vite for a browser', 'browser.js', viteFor({})],
  ['Vite for Node', 'node.js', viteFor({ ssr: true }, { ssr: { noExternal: ['gemsocket'] } })],
  ['Vite for a worker on a server, which it takes for a browser', 'browser.js', viteFor({ ssr: true }, { ssr: onWorker })],
  [
    'Vite for a worker on a server, told so',
    'standard.js',
    viteFor({ ssr: true }, { ssr: { ...onWorker, resolve: { conditions: ['workerd', 'browser'] } } }),
  ],
  ['Vite for a browser, in development', 'browser.dev.js', viteFor({})],
  ['webpack for a browser', 'browser.js', webpackFor('web', 'production')],
  ['webpack for a browser, in development', 'browser.dev.js', webpackFor('web', 'development')],
  ['webpack for a web worker', 'standard.js', webpackFor('webworker', 'production')],
  ['webpack for a web worker, in development', 'standard.dev.js', webpackFor('webworker', 'development')],
  ['webpack for Node', 'node.js', webpackFor('node20', 'production')],
  ['webpack for Node, in development', 'node.js', webpackFor('node20', 'development')],
  ['Metro for iOS', 'standard.js', metroFor('ios')],
  ['Metro for Android, by require()', 'standard.js', metroFor('android', false)],
  ['Metro for the web, with the condition of React Native beside that of browsers', 'standard.js', metroFor('web')],
];

describe.each(targets)('%s', (target, file, resolve) => {
  // Vite and Rollup derive the condition from it.
  beforeAll(() => void vi.stubEnv('NODE_ENV', target.endsWith('in development') ? 'development' : 'production'));
  afterAll(() => vi.unstubAllEnvs());

  test(`uses dist/${file} for gemsocket`, async () => {
    expect(await resolve('gemsocket')).toBe(file);
  });

  test.each(EVERYWHERE)('uses the file of %s that is of the same build', async (name) => {
    const build = file === 'node.js' || file.endsWith('.dev.js') ? 'dev.js' : 'js';
    expect(await resolve(name)).toBe(`${name.slice('gemsocket/'.length)}.${build}`);
  });
});

type Exports = string | { readonly [condition: string]: Exports };

/** The files of dist/ for platforms other than Node. */
function filesOutsideOfNode(exports: Exports, condition = ''): string[] {
  if (condition === 'node' || condition === 'types') return [];
  if (typeof exports === 'string') return exports.endsWith('.js') ? [exports] : [];
  return Object.entries(exports).flatMap(([name, inner]) => filesOutsideOfNode(inner, name));
}

/** All imports of a file, static or not, and their imports in turn. */
function reachableFrom(file: string, seen = new Map<string, string>()): Map<string, string> {
  for (const [, source = ''] of readFileSync(file, 'utf8').matchAll(
    /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']([^"'\s]+)["']/g,
  )) {
    if (!source.startsWith('.')) seen.set(source, file);
    else if (!seen.has(join(dirname(file), source))) {
      seen.set(join(dirname(file), source), file);
      reachableFrom(join(dirname(file), source), seen);
    }
  }
  return seen;
}

test('no file for platforms other than Node reaches a module of Node, ws, or anything else outside of the package', () => {
  const folder = join(inject('installation'), 'node_modules/gemsocket');
  const { exports } = createRequire(import.meta.url)(join(folder, 'package.json')) as { exports: Exports };
  const files = [...new Set(filesOutsideOfNode(exports))];
  const both = ['browser', 'session', 'standard', 'topics', 'websocket-stream'].flatMap((name) => [
    `./dist/${name}.js`,
    `./dist/${name}.dev.js`,
  ]);
  expect(files).toEqual(expect.arrayContaining(both));
  for (const file of files) {
    const reached = [...reachableFrom(join(folder, file)).keys()];
    expect(reached.filter((source) => !source.startsWith(folder))).toEqual([]);
  }
  // Proof that the walk follows imports.
  const inNode = [...reachableFrom(join(folder, 'dist/server.js')).keys()];
  expect(inNode.some((source) => builtinModules.includes(source.replace('node:', '')))).toBe(true);
  expect(inNode).toContain('ws');
});
