import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Client } from '../../src/core/client.js';
import { WebsocketError } from '../../src/core/errors.js';
import { streams } from '../../src/core/streams.js';
import type { ClientEvents, IWebsocketClient } from '../../src/core/types.js';
import { nextClient, RawPeer, serve } from '../server/support.js';
import { World } from '../session/support/world.js';
import { settle } from '../support/fake-clock.js';
import { type MemoryClientOptions, memoryBus, memoryClient, openClient } from '../support/memory-client.js';
import { MemoryPlatform } from '../support/memory-platform.js';
import { codeSpans, tableAfter } from './markdown.js';

/** The cells of a row: what is thrown, what the promise rejects with, what comes of it otherwise, and the events. */
interface Outcome {
  readonly throws: string;
  readonly rejects: string;
  readonly result: string;
  readonly events: readonly string[];
}

const rows = new Map(
  tableAfter('outcomes', readFileSync('docs/errors.md', 'utf8')).map(
    ([situation = '', throws = '', rejects = '', result = '', events = '']) => [
      situation,
      {
        throws: codeSpans(throws)[0] ?? '',
        rejects: codeSpans(rejects)[0] ?? '',
        result,
        events: events.replaceAll('`', '').split(', ').filter(Boolean),
      },
    ],
  ),
);

/** By its situation: brings it about, and makes the call. */
const checks: Readonly<Record<string, () => Promise<Outcome>>> = {
  'send something that is not a message': async () => {
    const { client } = await opened();
    return outcomeOf(client, () => client.sendMessage(5 as never));
  },
  'send before `connect()`': async () => {
    const client = memoryClient(new MemoryPlatform());
    return outcomeOf(client, () => client.sendMessage('text'));
  },
  'send while connecting or reconnecting': async () => {
    const client = connecting();
    return outcomeOf(client, () => client.sendMessage('text'));
  },
  'send while `outbox.highWaterBytes` or more wait': async () => {
    const client = connecting({ outbox: { highWaterBytes: 10, maxBytes: 100 } });
    client.sendMessage('x'.repeat(10));
    return outcomeOf(client, () => client.sendMessage('text'));
  },
  'send when more than `outbox.maxBytes` would wait (never on a server)': async () => {
    const client = connecting({ outbox: { highWaterBytes: 10, maxBytes: 100 } });
    client.sendMessage('x'.repeat(100));
    return outcomeOf(client, () => client.sendMessage('text'));
  },
  'send after your own `close()`': async () => {
    const { client } = await opened();
    void client.close();
    return outcomeOf(client, () => client.sendMessage('text'));
  },
  'send after the peer has closed or is gone for good': async () => {
    const client = await closedByPeer();
    return outcomeOf(client, () => client.sendMessage('text'));
  },
  'send while the connection closes without your `close()`, as by `server.close()`': async () => {
    const world = new World().open();
    void world.serverClient.closeForGood(1001, '');
    return outcomeOf(world.serverClient, () => {
      const hasRoom = world.serverClient.sendMessage('text');
      world.cut();
      return hasRoom;
    });
  },
  'send more than the peer of a session announced': async () => {
    const world = new World({ server: { maxMessageBytes: 20_000 } }).open();
    return outcomeOf(world.client, () => world.client.sendMessage('x'.repeat(20_001)));
  },
  'send on a server while `maxBufferedBytes` or more wait': async () => {
    const server = await serve({ maxBufferedBytes: 1_000 });
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    peer.socket.pause();
    const client = await accepting;
    client.sendMessageBinary(new Uint8Array(16_000_000));
    return outcomeOf(client, () => client.sendMessage('text'));
  },
  '`drained()` until the outbox is nearly empty': async () => {
    const { client } = await opened();
    return outcomeOf(client, () => client.drained());
  },
  '`drained()` when the connection ends first, or has ended': async () => {
    const client = await closedByPeer();
    return outcomeOf(client, () => client.drained());
  },
  '`connect()` that fails': async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    return outcomeOf(client, () => {
      const connected = client.connect();
      platform.transport.refuse(new WebsocketError('CONNECT_FAILED', 'Nobody is there.'));
      return connected;
    });
  },
  '`getMessage()` and `for await` when the connection has ended': async () => {
    const { client, transport } = await opened();
    const outcome = await outcomeOf(client, () => {
      transport.closeFromPeer(1008);
      return client.getMessage() !== undefined && client.getMessage() === undefined ? 'the end, once' : 'something else';
    });
    for await (const message of client) throw new Error(`${message} came after the end`);
    return outcome;
  },
  '`close()`, independent of the peer': async () => {
    const { client, transport } = await opened();
    transport.answersClose = false;
    return outcomeOf(client, () => {
      const closed = client.close();
      transport.breakOff();
      return closed;
    });
  },
  '`close()` with an invalid code or reason': async () => {
    const { client } = await opened();
    return outcomeOf(client, () => client.close(1006));
  },
  '`broadcast()` to clients that are closing, gone or too slow': async () => {
    const server = await serve({ maxBufferedBytes: 1_000 });
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    peer.socket.pause();
    await accepting;
    return outcomeOf(undefined, () => {
      for (let number = 0; number < 20; number++) server.broadcast(new Uint8Array(1_000_000));
      return 'nothing';
    });
  },
  'bus: send to an id that was never on it, or that you have closed': async () => {
    const { bus, client } = await onBus();
    await bus.closeWebsocket(client);
    return outcomeOf(client, () => bus.sendWebsocketMessage(client.id, 'text'));
  },
  'bus: send to an id whose connection ended by itself': async () => {
    const { bus, client, platform } = await onBus();
    platform.transport.closeFromPeer(1008);
    return outcomeOf(client, () => bus.sendWebsocketMessage(client.id, 'text'));
  },
  'stream: write when the connection has ended': async () => {
    const { client, transport } = await opened();
    const writer = streams(client).writable.getWriter();
    transport.closeFromPeer(1008);
    await settle();
    return outcomeOf(client, () => writer.write('text'));
  },
};

test('each row of the table has its check, and no other', () => {
  expect([...rows.keys()]).toEqual(Object.keys(checks));
});

test.each([...rows])('%s', async (situation, outcome) => {
  expect(await checks[situation]?.()).toEqual({ ...outcome, result: outcome.throws || outcome.rejects ? '' : outcome.result });
});

/** What comes of a call: a close that is on its way brings its events, too, but not what it was brought about by. */
async function outcomeOf(client: IWebsocketClient | undefined, call: () => unknown): Promise<Outcome> {
  const events: string[] = [];
  const note = <E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]) => client?.on(event, listener);
  note('error', ({ code }) => events.push(code));
  const wasEnding = client?.state === 'closing' || client?.state === 'closed';
  note('close', () => wasEnding || events.push('close'));
  const outcome = { throws: '', rejects: '', result: '', events };
  try {
    const result = call();
    if (result instanceof Promise) {
      outcome.result = await result.then(
        () => 'resolves',
        ({ code }: WebsocketError) => {
          outcome.rejects = code;
          return '';
        },
      );
    } else outcome.result = String(result);
  } catch (error) {
    outcome.throws = (error as WebsocketError).code;
  }
  await settle();
  return outcome;
}

const opened = (options?: MemoryClientOptions) => openClient(new MemoryPlatform(), options);

function connecting(options?: MemoryClientOptions): Client {
  const client = memoryClient(new MemoryPlatform(), options);
  client.connect().catch(() => {});
  return client;
}

async function closedByPeer(): Promise<Client> {
  const { client, transport } = await opened();
  transport.closeFromPeer(1008);
  return client;
}

async function onBus() {
  const { platform, bus } = memoryBus();
  const client = bus.createClient('a.example', () => {});
  await settle();
  return { platform, bus, client };
}
