import { describe, expect, test } from 'vitest';
import { settle } from '../../support/fake-clock.js';
import { memoryBus } from '../../support/memory-client.js';
import { thrown } from '../../support/thrown.js';

async function busWithClient() {
  const { platform, bus } = memoryBus();
  const client = bus.createClient('a.example', () => {});
  await settle();
  return { platform, bus, client };
}

describe('the id of a client that has left the bus', () => {
  test('because its connection ended by itself: a send returns false, is reported as UNSENT, and does not throw', async () => {
    const { platform, bus, client } = await busWithClient();
    const errors: unknown[] = [];
    bus.on('error', (_client, error) => errors.push(error));
    platform.transport.closeFromPeer(1008, 'enough');
    await settle();
    expect(bus.clients.size).toBe(0);
    expect(bus.sendWebsocketMessage(client.id, 'text')).toBe(false);
    expect(bus.sendWebsocketMessageBinary(client.id, new Uint8Array(2))).toBe(false);
    expect([bus.isConnectionOpen(client.id), bus.getMessage(client.id)]).toEqual([false, undefined]);
    await settle();
    expect(errors).toMatchObject([{ code: 'UNSENT', context: { messages: 2, bytes: 6, code: 1008 } }]);
  });

  test('because its connection ended by itself: closing it resolves with the close info', async () => {
    const { platform, bus, client } = await busWithClient();
    platform.transport.closeFromPeer(1008, 'enough');
    await settle();
    expect(await bus.closeWebsocket(client.id)).toEqual({ code: 1008, reason: 'enough', wasClean: true });
  });

  test('because the application closed it: a send throws UNKNOWN_CLIENT', async () => {
    const { bus, client } = await busWithClient();
    await bus.closeWebsocket(client);
    expect(thrown(() => bus.sendWebsocketMessage(client.id, 'text')).code).toBe('UNKNOWN_CLIENT');
  });

  test('is remembered for the last 4,096 clients that ended by themselves', async () => {
    const { platform, bus, client } = await busWithClient();
    const others = Array.from({ length: 4_096 }, () => bus.createClient('a.example', () => {}));
    await settle();
    for (const transport of platform.transports) transport.closeFromPeer(1008);
    await settle();
    expect(others.map(({ id }) => bus.sendWebsocketMessage(id, 'text'))).toEqual(others.map(() => false));
    expect(thrown(() => bus.sendWebsocketMessage(client.id, 'text')).code).toBe('UNKNOWN_CLIENT');
  });
});
