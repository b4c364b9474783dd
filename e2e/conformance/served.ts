import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { LinkName } from '../../test/conformance/facts.js';
import { startTestServer, type TestServer } from '../../test/conformance/server.js';
import { startSessions } from '../../test/conformance/session-peer.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const DIST = dirname(fileURLToPath(import.meta.resolve('gemsocket')));

const javascript = (body: string | Uint8Array) => ({ type: 'text/javascript', body });
const html = (body: string) => ({ type: 'text/html', body: `<!doctype html><title>gemsocket</title>${body}` });

/** The shared worker, whose time passes ten times as fast: what takes it 10 s takes a test 1 s. */
const HASTY_WORKER = `
  const [now, later, start] = [Date.now.bind(Date), setTimeout, Date.now()];
  Date.now = () => start + 10 * (now() - start);
  globalThis.setTimeout = (call, delayMs) => later(call, delayMs / 10);
  importScripts('/dist/shared-worker.js');
`;

export type Served = TestServer & AsyncDisposable & { readonly origin: string };

/** The test server, and beside it what a site would serve: the built package, the scripts of the tests, and two pages. */
export async function serve(link: LinkName = 'plain'): Promise<Served> {
  const names = (await readdir(DIST)).filter((name) => name.endsWith('.js'));
  const dist = await Promise.all(names.map(async (name) => [`/dist/${name}`, javascript(await readFile(join(DIST, name)))] as const));
  const server = await startTestServer(
    new Map([
      ...dist,
      ['/runner.js', javascript(await bundled('runner.ts'))],
      ['/talk.js', javascript(await bundled('../session/talk.ts'))],
      ['/hasty-worker.js', javascript(HASTY_WORKER)],
      ['/', html('<script type="module" src="/runner.js"></script>')],
      ['/elsewhere', html('Another page.')],
    ]),
    link === 'session' ? startSessions : undefined,
  );
  return { ...server, origin: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: server.close };
}

async function bundled(script: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(HERE, script)],
    bundle: true,
    external: ['/dist/*'],
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild wrote nothing.');
  return file.contents;
}
