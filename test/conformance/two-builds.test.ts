import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as gemsocket from '../../src/entry/node.js';
import { startTestServer, type TestServer } from './server.js';

const ROOT = join(import.meta.dirname, '../..');

/** What the default build of the package has in place of the sentences of errors. */
const shortMessages: Plugin = {
  name: 'short-messages',
  setup: (builder) => builder.onResolve({ filter: /^\.\/messages\.js$/ }, () => ({ path: join(ROOT, 'src/core/short-messages.ts') })),
};

/** As if two packages of one program brought a version of their own each. */
async function buildNumber(number: number, plugins: Plugin[]): Promise<typeof gemsocket> {
  const outfile = join(ROOT, `.cache/conformance/build${number}.mjs`);
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/entry/node.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    plugins,
  });
  return (await import(pathToFileURL(outfile).href)) as typeof gemsocket;
}

describe('two builds in one process, one of them without the sentences of errors', () => {
  let server: TestServer;
  let builds: (typeof gemsocket)[];

  beforeAll(async () => {
    server = await startTestServer();
    builds = await Promise.all([buildNumber(1, []), buildNumber(2, [shortMessages])]);
  });

  afterAll(() => server.close());

  it('are two: an error of one is not an error of the other', () => {
    expect(builds[0]?.WebsocketError).not.toBe(builds[1]?.WebsocketError);
  });

  it('have the same codes and facts, and messages of their own', async () => {
    const address = 'ws://example.com/';
    const errors = await Promise.all(builds.map(({ connect }) => connect(address).catch((error: unknown) => error)));
    expect(errors).toMatchObject([
      { code: 'INSECURE_ADDRESS', context: { address }, message: `${address} is not encrypted. Write wss://, or set type: 'insecure'.` },
      {
        code: 'INSECURE_ADDRESS',
        context: { address },
        message: `INSECURE_ADDRESS: address ${address}. See gemsocket/docs/errors.md#insecure_address`,
      },
    ]);
  });

  it('work side by side, and leave the process as they found it', async () => {
    const listenersBefore = process.listenerCount('exit');
    const clients = await Promise.all(builds.map(({ connect }) => connect(`127.0.0.1:${server.port}/echo`, { type: 'insecure' })));
    expect(process.listenerCount('exit')).toBe(listenersBefore + 2);
    const echoes = clients.map(async (client, index) => {
      client.sendMessage(`build ${index}`);
      return (await client[Symbol.asyncIterator]().next()).value as unknown;
    });
    expect(await Promise.all(echoes)).toEqual(['build 0', 'build 1']);
    await Promise.all(clients.map((client) => client.close()));
    expect(process.listenerCount('exit')).toBe(listenersBefore);
  });
});
