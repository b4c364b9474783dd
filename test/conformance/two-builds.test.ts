import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as gemsocket from '../../src/entry/node.js';
import { startTestServer, type TestServer } from './server.js';

const ROOT = join(import.meta.dirname, '../..');

/** As if two packages of one program brought a version of their own each. */
async function buildNumber(number: number): Promise<typeof gemsocket> {
  const outfile = join(ROOT, `.cache/conformance/build${number}.mjs`);
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/entry/node.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
  return (await import(pathToFileURL(outfile).href)) as typeof gemsocket;
}

describe('two builds in one process', () => {
  let server: TestServer;
  let builds: (typeof gemsocket)[];

  beforeAll(async () => {
    server = await startTestServer();
    builds = await Promise.all([buildNumber(1), buildNumber(2)]);
  });

  afterAll(() => server.close());

  it('are two: an error of one is not an error of the other', () => {
    expect(builds[0]?.WebsocketError).not.toBe(builds[1]?.WebsocketError);
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
