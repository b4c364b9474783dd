import { expect, test } from 'vitest';
import { runNode } from './program.js';

test('the client and the server of the plugin exchange messages frame by frame', async () => {
  const server = runNode('examples/openplanet/server.js', ['0']);
  const [, port = ''] = await server.printed(/listening on port (\d+)/);

  const client = runNode('examples/openplanet/client.js', [port]);
  await client.printed(/^test$/m);
  await server.printed(/^testing$/m);
  expect(await client.ended(), client.output).toBe(0);
  expect(client.output.trim().split('\n').at(-1)).toBe('closed: 1000');
  await server.printed(/(testing\n){5}/);
  await server.stop('SIGINT');
  expect(server.output.trim().split('\n').at(-1)).toBe('stopped');
});

test('a server that closes its clients is reported by the client with the close code', async () => {
  const server = runNode('examples/openplanet/server.js', ['0']);
  const [, port = ''] = await server.printed(/listening on port (\d+)/);
  const client = runNode('examples/openplanet/client.js', [port]);
  await server.printed(/^testing$/m);
  await server.stop('SIGINT');
  expect(await client.ended(), client.output).toBe(0);
  expect(client.output).toContain('closed: 1000');
});

test('an unavailable server and a port in use are reported in words', async () => {
  const server = runNode('examples/openplanet/server.js', ['0']);
  const [, port = ''] = await server.printed(/listening on port (\d+)/);
  const second = runNode('examples/openplanet/server.js', [port]);
  await second.printed(/unable to start websocket server: .*EADDRINUSE/);
  await server.stop('SIGINT');
  const client = runNode('examples/openplanet/client.js', [port]);
  await client.printed(/unable to connect to websocket: .*ECONNREFUSED/);
});
