import { describe, expect, it } from 'vitest';
import { type CloseInfo, connect, type IWebsocketClient, type Received, streams } from '../../src/entry/node.js';
import { closeFrame, frame, Opcode, rawServer, switchingProtocols } from '../support/raw-peer.js';

/** The last message and the close frame are sent in one write, so they arrive in one packet. */
const LAST_WORDS = Buffer.concat([frame(Opcode.text, 'first'), frame(Opcode.text, 'last'), closeFrame(4001, 'that is all')]);
const END: CloseInfo = { code: 4001, reason: 'that is all', wasClean: true };

const readers = {
  async handler(client: IWebsocketClient) {
    const seen: unknown[] = [];
    const closed = new Promise<void>((resolve) => {
      client.on('close', (info) => {
        seen.push(info);
        resolve();
      });
    });
    client.on('message', (message) => seen.push(message));
    await closed;
    return seen;
  },
  async getMessage(client: IWebsocketClient) {
    const seen: unknown[] = [];
    for (;;) {
      const received: Received | undefined = client.getMessage();
      if (received === undefined) await new Promise((resolve) => setImmediate(resolve));
      else if ('message' in received) seen.push(received.message);
      else {
        const { closeCode: code, reason, wasClean } = received;
        return [...seen, { code, reason, wasClean }];
      }
    }
  },
  async iteration(client: IWebsocketClient) {
    const seen: unknown[] = [];
    for await (const message of client) seen.push(message);
    return [...seen, await client.close()];
  },
  async streams(client: IWebsocketClient) {
    const seen: unknown[] = [];
    for await (const message of streams(client).readable as unknown as AsyncIterable<unknown>) seen.push(message);
    return [...seen, await client.close()];
  },
};

/** The time of the first read: while the bytes arrive, or long after the connection has ended. */
const moments = {
  immediately: async (_client: IWebsocketClient) => {},
  'after the end': (client: IWebsocketClient) => new Promise((resolve) => client.on('close', resolve)),
};

const servers = {
  'after the handshake': () =>
    rawServer((socket, request) => {
      socket.write(switchingProtocols(request));
      setImmediate(() => socket.end(LAST_WORDS));
    }),
  'in the packet of the handshake': () =>
    rawServer((socket, request) => {
      socket.end(Buffer.concat([Buffer.from(switchingProtocols(request)), LAST_WORDS]));
    }),
};

describe('the last message and the close frame in one packet', () => {
  for (const [when, makeServer] of Object.entries(servers)) {
    for (const [name, read] of Object.entries(readers)) {
      for (const [moment, wait] of Object.entries(moments)) {
        if (name === 'handler' && moment !== 'immediately') continue;
        it(`${when}, read by ${name} ${moment}: the messages first, then the close`, async () => {
          await using server = await makeServer();
          const client = await connect(server.address, { type: 'insecure', reconnect: false });
          await wait(client);
          expect(await read(client)).toEqual(['first', 'last', END]);
        });
      }
    }
  }

  it('read by onMessage, the handler has received all messages before `close` is reported', async () => {
    await using server = await rawServer((socket, request) => {
      socket.end(Buffer.concat([Buffer.from(switchingProtocols(request)), LAST_WORDS]));
    });
    const seen: unknown[] = [];
    const client = await connect(server.address, { type: 'insecure', reconnect: false, onMessage: (message) => seen.push(message) });
    client.on('close', (info) => seen.push(info));
    await expect.poll(() => seen).toEqual(['first', 'last', END]);
  });

  it('a handler that is attached after the end still receives the messages', async () => {
    await using server = await servers['after the handshake']();
    const client = await connect(server.address, { type: 'insecure', reconnect: false });
    await moments['after the end'](client);
    const seen: unknown[] = [];
    client.on('message', (message) => seen.push(message));
    await expect.poll(() => seen).toEqual(['first', 'last']);
    expect(client.state).toBe('closed');
  });
});
