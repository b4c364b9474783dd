import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { selfSigned } from '../support/certificates.js';
import { type Script, startScript } from '../support/programs.js';
import { until } from '../support/until.js';
import { startWs } from '../support/ws-server.js';

/** The server's record of one connection. */
interface Seen {
  readonly messages: string[];
  end: { code: number; reason: string } | undefined;
}

let seen: Seen[];
let cert: string;
const addresses: string[] = [];
const closers: (() => void)[] = [];

beforeEach(async () => {
  seen = [];
  const pems = await selfSigned('127.0.0.1');
  cert = pems.cert;
  const https = createHttpsServer(pems);
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  const secure = new WebSocketServer({ server: https });
  const plain = await startWs();
  for (const server of [secure, plain.server]) server.on('connection', record);
  addresses.push(`wss://127.0.0.1:${portOf(https)}`, `ws://127.0.0.1:${plain.port}`, `ws://127.0.0.1:${plain.port}`);
  closers.push(
    () => secure.close(),
    () => plain.end(),
    () => https.close(),
  );
});

afterEach(() => {
  addresses.length = 0;
  for (const close of closers.splice(0)) close();
});

function portOf(server: { address(): unknown }): number {
  return (server.address() as { port: number }).port;
}

function record(socket: WebSocket): void {
  const one: Seen = { messages: [], end: undefined };
  seen.push(one);
  socket.on('message', (message) => one.messages.push(String(message)));
  socket.on('error', () => {});
  socket.on('close', (code, reason) => {
    one.end = { code, reason: String(reason) };
  });
}

async function run(way: string): Promise<Script> {
  const script = await startScript('test/faults/children/exiting.ts', [way, cert, ...addresses]);
  await script.said('open');
  return script;
}

async function ends(): Promise<unknown[]> {
  await until(() => seen.length === 3 && seen.every((one) => one.end !== undefined), 'the server has seen every connection end');
  return seen.map((one) => one.end);
}

const GONE = { code: 1001, reason: 'process exit' };
const LOST = { code: 1006, reason: '' };

describe('a process that exits with open connections, over wss and ws', () => {
  it.each([
    ['exit', 3],
    ['throw', 1],
    ['reject', 1],
  ])('by %s: the server receives 1001, and the exit code is unchanged', async (way, exitCode) => {
    await using script = await run(way);
    expect(await ends()).toEqual([GONE, GONE, GONE]);
    expect(await script.ended).toBe(exitCode);
  });

  it('right after a send: the messages arrive in order before 1001', async () => {
    await using script = await run('exit after sending');
    expect(await ends()).toEqual([GONE, GONE, GONE]);
    for (const { messages } of seen) expect(messages).toEqual(Array.from({ length: 100 }, (_, number) => `${number}`));
    expect(await script.ended).toBe(3);
  });

  it('after close(): nothing keeps the process alive', async () => {
    await using script = await run('close and finish');
    expect(await ends()).toEqual(Array(3).fill({ code: 1000, reason: 'the program is over' }));
    expect(await script.ended).toBe(0);
  });

  it('in the same turn as close(): the close frame has the code that close() was given', async () => {
    await using script = await run('close and exit');
    expect(await ends()).toEqual(Array(3).fill({ code: 1000, reason: 'the program is over' }));
    expect(await script.ended).toBe(3);
  });
});

describe('a process that receives a signal', () => {
  async function signalled(way: string, signal: NodeJS.Signals): Promise<Script> {
    const script = await run(way);
    await until(() => script.output.includes('ready'), 'the script stays');
    script.process.kill(signal);
    return script;
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('%s with closeOnSignals: the server receives 1001, and the process ends', async (signal) => {
    await using script = await signalled('stay for a signal', signal);
    expect(await ends()).toEqual([GONE, GONE, GONE]);
    expect(await script.ended).toBe(signal);
  });

  it("with the application's own handler exits when that handler decides, and the connections are closed and stay closed", async () => {
    await using script = await signalled('stay for a signal of its own', 'SIGTERM');
    expect(await ends()).toEqual([GONE, GONE, GONE]);
    expect(await script.ended).toBe(7);
    expect(seen).toHaveLength(3);
  });

  it.each(['stay without', 'stay, and not any more'])(
    '%s closeOnSignals: no handler is installed, and the signal ends the process',
    async (way) => {
      await using script = await signalled(way, 'SIGTERM');
      expect(await script.ended).toBe('SIGTERM');
      expect(await ends()).toEqual([LOST, LOST, LOST]);
      expect(await script.said('open')).toMatchObject({ signalListeners: 0 });
    },
  );
});
