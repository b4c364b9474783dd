import { readFile } from 'node:fs/promises';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import terser from '@rollup/plugin-terser';
import { dts } from 'rollup-plugin-dts';
import { shortInnerNames } from './scripts/inner-names.mjs';

/** Entries of Node, whose errors always have sentences. */
const nodeEntries = ['node', 'server'];
/** Entries of which there are two builds: `browser.js`, and `browser.dev.js` for the conditions `development` and `node`. */
const twoBuilds = ['browser', 'session', 'shared', 'standard', 'topics', 'websocket-stream'];
const external = [/^node:/, 'ws'];

/** Leaves the sentences of the errors out: their messages are the code and its facts. */
const shortMessages = {
  name: 'short-messages',
  resolveId: (source) => (source === './messages.js' ? fileURLToPath(new URL('build/core/short-messages.js', import.meta.url)) : null),
};

/**
 * All entries of a build are one graph, so that what they share (WebsocketError above all) exists once in a program that uses
 * several. Only the browser's files may carry isomorphic-ws: its browser build, ten lines, is inlined there.
 */
const isomorphicWs = {
  name: 'isomorphic-ws',
  resolveId(source, importer) {
    if (source !== 'isomorphic-ws') return null;
    const isForBrowser = importer.includes(`${sep}platform${sep}browser${sep}`);
    return isForBrowser ? fileURLToPath(import.meta.resolve('isomorphic-ws/browser.js')) : { id: source, external: true };
  },
};

/**
 * Rewrites code to fewer bytes than the minifiers of applications find, and leaves it to them to rename variables. A function that is
 * inlined is longer when compressed than the call.
 */
const compressed = () => terser({ mangle: false, compress: { pure_getters: true, inline: false, join_vars: false, reduce_funcs: false } });

/** Hands Rollup the source maps that tsc wrote, so that ours lead to the TypeScript. */
const sourceMapsOfTsc = {
  name: 'source-maps-of-tsc',
  async load(id) {
    const [code, map] = await Promise.all([readFile(id, 'utf8'), readFile(`${id}.map`, 'utf8').catch(() => null)]);
    return { code, map };
  },
};

/** A name for each layer's shared chunk, the same for code and for types; session is the name of an entry. */
function layerOf(id) {
  const layer = /[\\/]build[\\/](core|session|bus|platform[\\/]browser)[\\/]/.exec(id)?.[1];
  if (layer === 'session') return 'gem1';
  return layer?.startsWith('platform') ? 'page' : layer;
}

/** Uint8Array has type arguments since TypeScript 5.7; our declarations are for 5.2 and later. */
const uint8ArrayOfOlderCompilers = {
  name: 'uint8-array-of-older-compilers',
  renderChunk: (code) => code.replaceAll('Uint8Array<ArrayBuffer>', 'Uint8Array'),
};

const inputs = (entries, extension) => Object.fromEntries(entries.map((entry) => [entry, `build/entry/${entry}${extension}`]));

function modules(entries, plugins, fileName, outputPlugins = []) {
  return {
    input: inputs(entries, '.js'),
    external,
    plugins: [isomorphicWs, sourceMapsOfTsc, ...plugins],
    output: {
      dir: 'dist',
      format: 'es',
      sourcemap: true,
      entryFileNames: fileName,
      chunkFileNames: fileName,
      // A bundler warns of an import without names, as this package has no side effects.
      hoistTransitiveImports: false,
      minifyInternalExports: false,
      manualChunks: layerOf,
      plugins: outputPlugins,
    },
  };
}

/** In one piece and without imports, so that it runs as a classic script and as a module, from wherever a site puts it. */
function script(entry, plugins, file, outputPlugins) {
  return {
    input: `build/entry/${entry}.js`,
    plugins: [isomorphicWs, sourceMapsOfTsc, ...plugins],
    output: { file: `dist/${file}`, format: 'iife', sourcemap: true, plugins: outputPlugins },
  };
}

export default [
  modules(twoBuilds, [shortMessages], '[name].js', [compressed(), shortInnerNames()]),
  modules([...nodeEntries, ...twoBuilds], [], ({ name }) => (nodeEntries.includes(name) ? '[name].js' : '[name].dev.js')),
  script('script', [shortMessages], 'gemsocket.iife.js', [compressed(), shortInnerNames({ minify: true })]),
  script('script', [], 'gemsocket.dev.iife.js', [terser()]),
  script('shared-worker', [shortMessages], 'shared-worker.js', [compressed(), shortInnerNames({ minify: true })]),
  {
    input: { ...inputs([...nodeEntries, ...twoBuilds], '.d.ts'), 'shared-worker': 'build/entry/shared-worker.d.ts' },
    external: [...external, 'isomorphic-ws'],
    plugins: [dts(), uint8ArrayOfOlderCompilers],
    output: {
      dir: 'dist',
      format: 'es',
      chunkFileNames: ({ name }) => `${name.replace(/\.d$/, '')}.d.ts`,
      entryFileNames: '[name].d.ts',
      manualChunks: layerOf,
      banner: '/// <reference lib="esnext.disposable" />',
    },
  },
];
