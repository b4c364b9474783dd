import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { makeProject } from '../support/installed-package.js';
import { startWs } from '../support/ws-server.js';

test('two copies of the package in one process both connect, and both close with 1001 when it exits', async () => {
  const installation = inject('installation');
  const { server, port } = await startWs();
  const closeCodes: number[] = [];
  server.on('connection', (socket) => {
    socket.on('message', (data) => socket.send(String(data)));
    socket.on('close', (code) => closeCodes.push(code));
  });
  const cwd = makeProject(installation, {
    'main.mjs': `
      import * as first from 'gemsocket';
      import * as second from './copy/dist/node.js';
      const answers = [];
      for (const library of [first, second]) {
        const client = await library.connect('ws://127.0.0.1:${port}', { type: 'insecure' });
        client.sendMessage('hello');
        for await (const message of client) {
          answers.push(message);
          break;
        }
      }
      console.log(JSON.stringify({ isTwo: first.connect !== second.connect, answers }));
      process.exit();`,
  });
  cpSync(join(installation, 'node_modules/gemsocket'), join(cwd, 'copy'), { recursive: true });
  const { stdout } = await promisify(execFile)(process.execPath, ['main.mjs'], { cwd });
  expect(JSON.parse(stdout)).toEqual({ isTwo: true, answers: ['hello', 'hello'] });
  await expect.poll(() => closeCodes).toEqual([1001, 1001]);
  await promisify(server.close.bind(server))();
});
