import { execFileSync } from 'node:child_process';
import { describe, expect, inject, test } from 'vitest';
import { makeProject } from '../support/installed-package.js';

const names = ['SecureWebsocketClient', 'WebsocketClient', 'WebsocketError', 'WebsocketRequestBus', 'closeOnSignals', 'connect', 'streams'];

/** Runs a program of a fresh project and returns its output as JSON. */
function run(file: string, text: string, flags: readonly string[] = []): unknown {
  const cwd = makeProject(inject('installation'), { [file]: text });
  return JSON.parse(execFileSync(process.execPath, [...flags, file], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

describe('the package in Node', () => {
  test('import provides every public name', () => {
    expect(run('main.mjs', "console.log(JSON.stringify(Object.keys(await import('gemsocket')).sort()))")).toEqual(names);
  });

  test('require() provides the same module as import, so the classes are identical', () => {
    const program = `
      const { WebsocketError, connect } = require('gemsocket');
      import('gemsocket').then((imported) =>
        console.log(JSON.stringify({ isOne: imported.WebsocketError === WebsocketError, connect: typeof connect })));`;
    expect(run('main.cjs', program)).toEqual({ isOne: true, connect: 'function' });
  });

  test('require() of the server works too', () => {
    const program = "const { listen, attach } = require('gemsocket/server'); console.log(JSON.stringify([typeof listen, typeof attach]))";
    expect(run('main.cjs', program)).toEqual(['function', 'function']);
  });

  test('a client and a server exchange messages', () => {
    const program = `
      import { connect } from 'gemsocket';
      import { listen } from 'gemsocket/server';
      const server = await listen('127.0.0.1', 0);
      server.on('connection', (peer) => peer.on('message', (message) => peer.sendMessage('echo ' + message)));
      const client = await connect('ws://127.0.0.1:' + server.port, { type: 'insecure' });
      client.sendMessage('hello');
      for await (const message of client) {
        console.log(JSON.stringify(message));
        break;
      }
      await client.close();
      await server.close();`;
    expect(run('main.mjs', program)).toBe('echo hello');
  });

  test('an error of the client is an instance of WebsocketError from any entry of the package', () => {
    const program = `
      import { connect, WebsocketError } from 'gemsocket';
      const error = await connect('ws://localhost').catch((reason) => reason);
      console.log(JSON.stringify([error instanceof WebsocketError, error.code]));`;
    expect(run('main.mjs', program)).toEqual([true, 'INSECURE_ADDRESS']);
  });
});
