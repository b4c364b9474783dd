import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { CloseInfo } from '../../src/core/types.js';
import { type Continuity, connect } from '../../src/entry/node.js';
import { listen } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { Deadlines } from '../../src/server/sockets.js';
import { startProxy } from '../support/proxy.js';
import { until } from '../support/until.js';

/*
 * The event loop is blocked for longer than a time limit, while the other side answers in time. The speed of the machine
 * does not matter: the answer is already in the socket when the loop continues.
 */

const WAIT_MS = 200;

function hold(ms = 2 * WAIT_MS): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** An echo server of ws in its own thread, which keeps running while this one is blocked. */
async function elsewhere(): Promise<string> {
  const worker = new Worker(
    `const { WebSocketServer } = require('ws');
     const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
     server.on('listening', () => require('node:worker_threads').parentPort.postMessage(server.address().port));`,
    { eval: true },
  );
  onTestFinished(() => void worker.terminate());
  const [port] = await once(worker, 'message');
  return `ws://127.0.0.1:${port}`;
}

it('connect(): an event loop blocked for longer than connectTimeoutMs causes no timeout', async () => {
  const connecting = connect(await elsewhere(), { type: 'insecure', connectTimeoutMs: WAIT_MS });
  hold();
  const client = await connecting;
  expect(client.state).toBe('open');
  await client.close();
});

it('close(): an event loop blocked for longer than closeTimeoutMs does not lose the answer', async () => {
  const client = await connect(await elsewhere(), { type: 'insecure', closeTimeoutMs: WAIT_MS });
  const closing = client.close(4000, 'done');
  hold();
  expect(await closing).toEqual({ code: 4000, reason: 'done', wasClean: true });
});

it('a server blocked for longer than the resume window keeps the session of a client that reconnected in time', async () => {
  const server = await listen('127.0.0.1', 0, { session: { resumeWindowMs: WAIT_MS } });
  const proxy = await startProxy(server.port);
  const client = await connect(`127.0.0.1:${proxy.port}`, {
    type: 'insecure',
    session: session(),
    reconnect: { minDelayMs: 600_000, maxDelayMs: 600_000 },
  });
  onTestFinished(async () => {
    void client.close();
    await proxy.close();
    await server.close({ graceMs: 1 });
  });
  const receipts: Continuity[] = [];
  client.on('reconnected', (receipt) => receipts.push(receipt));
  client.on('reconnecting', () => {
    // In the turn that reports the disconnect, before the server's resume window can be over.
    client.retryNow();
    hold();
  });
  proxy.cut('reset');
  await proxy.heal();
  await until(() => {
    client.retryNow();
    return receipts.length === 1;
  }, 'the client is back');
  expect(receipts).toMatchObject([{ resumed: true, lost: 0 }]);
});

it('server.close(): an event loop blocked for longer than graceMs does not lose the answers', async () => {
  const server = await listen('127.0.0.1', 0);
  const ends: CloseInfo[] = [];
  server.on('connection', (accepted) => void accepted.on('close', (info) => ends.push(info)));
  await connect(`127.0.0.1:${server.port}`, { type: 'insecure', reconnect: false });
  const closing = server.close({ graceMs: WAIT_MS });
  hold();
  await closing;
  expect(ends).toEqual([{ code: 1001, reason: expect.any(String), wasClean: true }]);
});

it('a server blocked for longer than handshakeTimeoutMs accepts a handshake that was sent in time', async () => {
  const passed = vi.fn();
  const deadlines = new Deadlines(WAIT_MS, passed);
  const socket = new PassThrough();
  await turn(); // the timers are checked next, and the sockets after them
  deadlines.begin(socket);
  hold();
  await turn();
  deadlines.end(socket);
  expect(passed).not.toHaveBeenCalled();
});
