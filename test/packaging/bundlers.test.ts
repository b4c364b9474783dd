import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import * as vite from 'vite';
import { describe, expect, inject, test } from 'vitest';
import webpack from 'webpack';
import { makeProject } from '../support/installed-package.js';

type Bundle = (folder: string) => Promise<string>;

/** Each bundles main.js of a project for a browser and gives the code. webpack minifies: only that drops unused classes. */
const bundlers: Readonly<Record<string, Bundle>> = {
  async esbuild(folder) {
    const options = { bundle: true, write: false, format: 'esm', platform: 'browser', logLevel: 'error' } as const;
    const { outputFiles } = await esbuild.build({ ...options, entryPoints: [join(folder, 'main.js')] });
    return outputFiles[0]?.text ?? '';
  },

  async vite(folder) {
    const lib = { entry: join(folder, 'main.js'), formats: ['es' as const], fileName: () => 'out.js' };
    await vite.build({ root: folder, logLevel: 'error', configFile: false, build: { lib, minify: false, target: 'es2022' } });
    return readFileSync(join(folder, 'dist/out.js'), 'utf8');
  },

  async webpack(folder) {
    const compiler = webpack({
      context: folder,
      entry: './main.js',
      mode: 'production',
      target: 'web',
      output: { path: join(folder, 'dist'), filename: 'out.js' },
      performance: false,
    });
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      compiler.run((error, result) => (error === null ? resolve(result) : reject(error)));
    });
    expect(stats?.toJson('errors-warnings')).toMatchObject({ errors: [], warnings: [] });
    return readFileSync(join(folder, 'dist/out.js'), 'utf8');
  },
};

const onlyConnect = "import { connect } from 'gemsocket'; globalThis.it = connect;";
const everything = "import * as gemsocket from 'gemsocket'; globalThis.it = { ...gemsocket };";

function project(text: string): string {
  return makeProject(inject('installation'), { 'main.js': text });
}

/** Words that ws cannot do without: the header and the magic string of its handshake, its one extension. */
const wordsOfWs = ['Sec-WebSocket-Key', '258EAFA5-E914-47DA-95CA-C5AB0DC85B11', 'permessage-deflate'];
const wordsOfBus = ['createClient', 'closeWebsocket', 'UNKNOWN_CLIENT'];

function importsOf(code: string): string[] {
  const all = code.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']([^"']+)["']/g);
  return [...all].map(([, source]) => source ?? '').filter((source) => source.startsWith('node:') || builtinModules.includes(source));
}

describe.each(Object.entries(bundlers))('a bundle of %s for a browser', (_name, bundle) => {
  test('has no ws and no module of Node inside', async () => {
    const code = await bundle(project(everything));
    expect(code).toContain('createClient');
    for (const word of wordsOfWs) expect(code).not.toContain(word);
    expect(importsOf(code)).toEqual([]);
  });

  test('of connect alone leaves the bus and the streams out', async () => {
    const [small, large] = await Promise.all([bundle(project(onlyConnect)), bundle(project(everything))]);
    for (const word of [...wordsOfBus, 'WritableStream']) {
      expect(large).toContain(word);
      expect(small).not.toContain(word);
    }
    expect(small.length).toBeLessThan(large.length);
  });
});

test('an import that is not used costs nothing', async () => {
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(project("import 'gemsocket';"), 'main.js')],
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'silent',
  });
  expect(outputFiles[0]?.text.trim().replace(/^\/\/.*$/gm, '')).toBe('');
});
