import { expect, it } from 'vitest';
import { bundle, startScript } from '../support/programs.js';
import { startWs } from '../support/ws-server.js';

it('two builds of the library work in one process, each with its own errors, and each closes its own connections on exit', async () => {
  const { server, port, end } = await startWs();
  const codes: number[] = [];
  server.on('connection', (socket) => {
    socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
    socket.on('close', (code) => codes.push(code));
  });

  const builds = [await bundle('src/entry/node.ts', '-first'), await bundle('src/entry/node.ts', '-second')];
  await using script = await startScript('test/faults/children/two-builds.ts', [`127.0.0.1:${port}`, ...builds]);
  expect(await script.said('done')).toMatchObject({ areTwo: true, belongsToItsOwn: true, exitListeners: [2, 1] });
  expect(await script.ended).toBe(0);
  await expect.poll(() => codes).toEqual([1000, 1001]);
  end();
});
