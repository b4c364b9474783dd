import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import * as esbuild from 'esbuild';
import * as vite from 'vite';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import webpack from 'webpack';
import { makeProject } from '../support/installed-package.js';

type Mode = 'production' | 'development';
type Bundle = (folder: string, mode: Mode) => Promise<string>;

/** Each bundles main.js of a project for a browser and returns the minified code: webpack drops unused classes only when it minifies. */
const bundlers: Readonly<Record<string, Bundle>> = {
  async esbuild(folder, mode) {
    const options = { bundle: true, write: false, format: 'esm', platform: 'browser', logLevel: 'error' } as const;
    const conditions = mode === 'development' ? ['development'] : [];
    const { outputFiles } = await esbuild.build({ ...options, conditions, entryPoints: [join(folder, 'main.js')] });
    return outputFiles[0]?.text ?? '';
  },

  async vite(folder, mode) {
    const lib = { entry: join(folder, 'main.js'), formats: ['es' as const], fileName: () => 'out.js' };
    await vite.build({ root: folder, mode, logLevel: 'error', configFile: false, build: { lib, minify: false, target: 'es2022' } });
    return readFileSync(join(folder, 'dist/out.js'), 'utf8');
  },

  async webpack(folder, mode) {
    const compiler = webpack({
      context: folder,
      entry: './main.js',
      mode,
      devtool: false,
      optimization: { minimize: true, usedExports: true, concatenateModules: true },
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

/** The value that a bundle leaves in `it`, in its own realm. */
async function evaluate(code: string): Promise<unknown> {
  const world = createContext({ TextEncoder, TextDecoder, URL, MessageChannel, WebSocket: class {} });
  runInContext(code, world);
  return structuredClone(await world.it);
}

function project(text: string): string {
  return makeProject(inject('installation'), { 'main.js': text });
}

/** Words that ws cannot do without: the header and the magic string of its handshake, its one extension. */
const wordsOfWs = ['Sec-WebSocket-Key', '258EAFA5-E914-47DA-95CA-C5AB0DC85B11', 'permessage-deflate'];
const withSession = "import { connect } from 'gemsocket'; import { session } from 'gemsocket/session'; globalThis.it = [connect, session];";
/** An option and a fact of its errors, and words that only the server half contains. */
const wordsOfSession = ['replayBytes', 'an empty batch'];
const wordOfTopics = 'an invalid record of a topic';
const wordsOfSessionServer = ['no handshake in time', 'session evicted'];
const wordsOfBus = ['createClient', 'closeWebsocket', 'UNKNOWN_CLIENT'];
/** Those that no sentence of an error contains. */
const codeOfBus = ['closeWebsocket'];

function importsOf(code: string): string[] {
  const all = code.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']([^"']+)["']/g);
  return [...all].map(([, source]) => source ?? '').filter((source) => source.startsWith('node:') || builtinModules.includes(source));
}

/** Words of error sentences: of the core, of options, and of a session. */
const sentences = ['is not encrypted', 'Did you mean', 'against gem.1', 'Await drained()', 'see cause'];

const inEachMode = Object.entries(bundlers).flatMap(([name, bundler]) =>
  (['production', 'development'] as const).map((mode) => [name, mode, (folder: string) => bundler(folder, mode)] as const),
);

/** Vite derives the condition `development` from it, as do bundlers that run in Node. */
const setMode = (mode: Mode) => vi.stubEnv('NODE_ENV', mode);

afterAll(() => vi.unstubAllEnvs());

describe.each(inEachMode)('a bundle of %s for a browser, in %s', (_name, mode, bundle) => {
  beforeAll(() => void setMode(mode));

  test('contains neither ws nor a module of Node', async () => {
    const code = await bundle(project(everything));
    expect(code).toContain('createClient');
    for (const word of wordsOfWs) expect(code).not.toContain(word);
    expect(importsOf(code)).toEqual([]);
  });

  test('contains the sentences of errors in development only', async () => {
    const code = await bundle(project(withSession));
    expect(sentences.filter((sentence) => code.includes(sentence))).toEqual(mode === 'development' ? sentences : []);
    expect(code.includes('docs/errors.md#')).toBe(mode === 'production');
  });

  test('has one class WebsocketError, whatever it imports', async () => {
    const run = (text: string) => bundle(project(text)).then(evaluate);
    expect(
      await run(`
        import { WebsocketError } from 'gemsocket';
        import { session } from 'gemsocket/session';
        import { subscribe } from 'gemsocket/topics';
        import { webSocketStream } from 'gemsocket/websocket-stream';
        globalThis.it = Promise.all([() => session({ windowBytes: 0 }), () => subscribe(undefined, ''), webSocketStream].map(async (call) => {
          try { await call(); } catch (error) { return error instanceof WebsocketError; }
        }));`),
    ).toEqual([true, true, true]);
  });

  test('of connect alone contains neither the bus nor the streams', async () => {
    const [small, large] = await Promise.all([bundle(project(onlyConnect)), bundle(project(everything))]);
    for (const word of [...(mode === 'production' ? wordsOfBus : codeOfBus), 'WritableStream']) {
      expect(large).toContain(word);
      expect(small).not.toContain(word);
    }
    expect(small.length).toBeLessThan(large.length);
  });

  test('contains topics only where they are imported', async () => {
    const text = `${withSession} import { subscribe } from 'gemsocket/topics'; globalThis.it.push(subscribe);`;
    const [topics, session] = await Promise.all([bundle(project(text)), bundle(project(withSession))]);
    expect(topics).toContain(wordOfTopics);
    expect(session).not.toContain(wordOfTopics);
    for (const word of [...wordsOfSessionServer, ...wordsOfWs]) expect(topics).not.toContain(word);
    expect(importsOf(topics)).toEqual([]);
  });

  test('contains a session only where it is imported, without the server half', async () => {
    const [session, plain] = await Promise.all([bundle(project(withSession)), bundle(project(everything))]);
    for (const word of wordsOfSession) {
      expect(session).toContain(word);
      expect(plain).not.toContain(word);
    }
    for (const word of [...wordsOfSessionServer, ...wordsOfWs]) expect(session).not.toContain(word);
    expect(importsOf(session)).toEqual([]);
  });
});

describe('the script of the shared worker', () => {
  beforeAll(() => void setMode('production'));

  const shared = "import { connect } from 'gemsocket/shared'; globalThis.it = connect;";

  /** In its own file: code that only the worker has and no bundle of a page contains. */
  function expectWorkerIn(folder: string): void {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
    const workers = files.filter((file) => readFileSync(join(folder, file), 'utf8').includes('onconnect'));
    expect(workers).toHaveLength(1);
    expect(workers).not.toContain('out.js');
    expect(files.length).toBeGreaterThan(1);
  }

  test('is found by webpack', async () => {
    const folder = project(shared);
    await bundlers.webpack?.(folder, 'production');
    expectWorkerIn(join(folder, 'dist'));
  });

  test('is found by vite', async () => {
    const html = '<script type="module" src="/main.js"></script>';
    const folder = makeProject(inject('installation'), { 'main.js': shared, 'index.html': html });
    await vite.build({ root: folder, logLevel: 'error', configFile: false });
    expectWorkerIn(join(folder, 'dist'));
  });
});

test('an unused import adds no bytes', async () => {
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(project("import 'gemsocket';"), 'main.js')],
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'silent',
  });
  expect(outputFiles[0]?.text.trim().replace(/^\/\/.*$/gm, '')).toBe('');
});
