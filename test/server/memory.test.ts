import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ServerClient, ServerOptions } from '../../src/entry/server.js';
import { encodeControl } from '../../src/session/controls.js';
import { frame, handshake, nextClient, Opcode, serve, until } from './support.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is alive: objects, and the buffers beside the heap. */
function memory(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const MIB = 1024 * 1024;
/** Large enough that what else happens in this process weighs little. */
const BOUND_BYTES = 8 * MIB;

/** Nothing here keeps the socket once it is destroyed. */
function sessionSocket(port: number, initialCredit: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  socket.write(handshake({ 'Sec-WebSocket-Protocol': 'gem.1' }));
  socket.write(frame(Opcode.binary, encodeControl({ is: 'hello', initialCredit, maxMessageBytes: 65_536, protocols: [] })));
  return socket;
}

async function accepted(options: ServerOptions): Promise<{ socket: Socket; client: ServerClient }> {
  const server = await serve(options);
  const accepting = nextClient(server);
  const socket = sessionSocket(server.port, 0);
  onTestFinished(() => void socket.destroy());
  return { socket, client: await accepting };
}

describe('the memory of everything that the bounds allow is at most 1.5 times as much:', () => {
  it.each([
    ['binary', 0x12],
    ['text', 0x11],
  ])('%s messages of one byte that wait to be read', async (_kind, header) => {
    const { socket, client } = await accepted({ session: { windowBytes: BOUND_BYTES } });
    const count = Math.floor(BOUND_BYTES / 33);
    const before = memory();
    const batch = frame(Opcode.binary, Buffer.alloc(2 * 32_000, Buffer.of(header, 0x61)));
    for (let sent = 32_000; sent <= count; sent += 32_000) socket.write(batch);
    await until(() => expect(client.stats.messagesReceived).toBe(count - (count % 32_000)));
    expect(memory() - before).toBeLessThan(1.5 * BOUND_BYTES);
  });

  it.each([
    ['binary', (client: ServerClient) => client.sendMessageBinary(new Uint8Array(1))],
    ['text', (client: ServerClient) => client.sendMessage('x')],
  ])('%s messages of one byte that wait to be sent', async (_kind, send) => {
    const { client } = await accepted({ maxBufferedBytes: BOUND_BYTES });
    const before = memory();
    let sent = 0;
    for (; client.bufferedBytes < BOUND_BYTES - 512; sent++) send(client);
    expect(sent).toBeGreaterThan(10_000);
    expect(memory() - before).toBeLessThan(1.5 * BOUND_BYTES);
  });

  it('sessions whose clients are disconnected, and the messages sent to them', { timeout: 60_000 }, async () => {
    const server = await serve({ liveness: false });
    const hangUp = async (count: number) => {
      const { sessionsDetached = 0 } = server.metrics;
      const sockets = Array.from({ length: count }, () => sessionSocket(server.port, 1_000));
      await until(() => expect(server.metrics.clients).toBe(count));
      for (const socket of sockets) socket.destroy();
      await until(() => expect(server.metrics.sessionsDetached).toBe(sessionsDetached + count));
    };
    // The first ones pay for code and shapes.
    await hangUp(50);
    const before = { memory: memory(), weight: server.metrics.sessionsDetachedBytes as number };
    for (let round = 0; round < 4; round++) await hangUp(50);
    for (let n = 0; n < 20; n++) server.broadcast('hello');
    const weight = () => (server.metrics.sessionsDetachedBytes as number) - before.weight;
    await until(() => expect(weight()).toBeGreaterThan(200 * 16_384));
    expect(memory() - before.memory).toBeLessThan(1.5 * weight());
  });
});
