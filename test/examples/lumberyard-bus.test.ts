import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { run, runNode } from './program.js';

const main = 'build/examples/lumberyard-bus/main.js';

test('the five calls of the bus work over wss with a self-signed certificate', async () => {
  const compiler = run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'examples/lumberyard-bus']);
  expect(await compiler.ended(), compiler.output).toBe(0);

  const directory = await mkdtemp(join(tmpdir(), 'gemsocket-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const certificate = join(directory, 'cert.pem');
  const server = runNode('examples/lumberyard-bus/server.js', ['0', certificate]);
  const [, port] = await server.printed(/wss:\/\/localhost:(\d+)/);

  const game = runNode(main, [`localhost:${port}`, certificate]);
  expect(await game.ended(), game.output).toBe(0);
  expect(game.output.trim().split('\n')).toEqual([
    'open: true',
    'text: score 4200',
    'binary: 4 bytes',
    'closed: 1000, clean: true, left on the bus: 0',
  ]);

  // The secure type is enforced: an address without TLS is refused before a connection is attempted.
  const insecure = runNode(main, [`ws://localhost:${port}`, certificate]);
  expect(await insecure.ended()).not.toBe(0);
  expect(insecure.output).toContain('INSECURE_ADDRESS');
});
