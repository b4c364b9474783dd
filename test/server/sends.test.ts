import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { WebsocketError } from '../../src/entry/node.js';
import type { ServerClient } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { encodeControl } from '../../src/session/controls.js';
import { frame, nextClient, Opcode, pair, RawPeer, serve, until } from './support.js';

function logged() {
  const log = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => log.mockRestore());
  return log;
}

function errorsOf(client: ServerClient): WebsocketError[] {
  const errors: WebsocketError[] = [];
  client.on('error', (error) => errors.push(error));
  return errors;
}

describe('a send to a client that is gone', () => {
  it.each([
    ['plain', {}],
    ['with a session', { session: session() }],
  ])('returns false, and is counted in messagesUnsent and reported as UNSENT: %s', async (_what, options) => {
    const server = await serve();
    const { client, accepted } = await pair(server, options);
    const errors = errorsOf(accepted);
    await client.close();
    await until(() => expect(accepted.state).toBe('closed'));
    expect(accepted.sendMessage('too late')).toBe(false);
    expect(accepted.sendMessageBinary(new Uint8Array(3))).toBe(false);
    server.broadcast('nobody is there');
    await until(() => expect(errors).toMatchObject([{ code: 'UNSENT', context: { messages: 2, bytes: 11, code: 1000 } }]));
    expect(server.metrics.messagesUnsent).toBe(2);
  });

  it('does not end a loop that iterates and answers, and nothing is left unhandled', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const server = await serve();
    const { client, accepted } = await pair(server, { session: session() });
    const greeted = (async () => {
      for await (const message of accepted) accepted.sendMessage(`you said ${message}`);
      return 'over';
    })();
    for (const text of ['one', 'two', 'three']) client.sendMessage(text);
    await client.close();
    expect(await greeted).toBe('over');
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  });

  it('after an await, while the server closes, does not end the process: as graphql-ws sends its results', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const server = await serve();
    const { client, accepted } = await pair(server);
    const sent: boolean[] = [];
    // The adapter of graphql-ws: an asynchronous handler that nobody awaits, and a send at its end.
    accepted.on('message', async (message) => {
      await until(() => expect(accepted.state).toBe('closing'));
      sent.push(accepted.sendMessage(`result of ${message}`));
    });
    const errors = errorsOf(accepted);
    client.sendMessage('query');
    await until(() => expect(accepted.stats.messagesReceived).toBe(1));
    // It does not answer, so the server's end stays in `closing` until it has sent.
    const raw = await RawPeer.upgraded(server);
    raw.socket.pause();
    const closing = server.close({ graceMs: 2_000 });
    await until(() => expect(sent).toEqual([false]));
    raw.socket.destroy();
    await closing;
    expect(errors).toMatchObject([{ code: 'UNSENT', context: { messages: 1, bytes: 15 } }]);
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  });

  it('whose own close() has been called throws NOT_OPEN', async () => {
    const server = await serve();
    const { accepted } = await pair(server);
    const closed = accepted.close();
    expect(() => accepted.sendMessage('late')).toThrow(expect.objectContaining({ code: 'NOT_OPEN' }));
    await closed;
  });
});

describe('a send to a client that is closing', () => {
  it('does not judge how fast it reads: server.close() gives it graceMs', async () => {
    const server = await serve({ maxBufferedBytes: 1_000_000 });
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    peer.socket.pause();
    const client = await accepting;
    const errors = errorsOf(client);
    // One message of any size may be sent: it is the next one that finds so much waiting.
    client.sendMessageBinary(new Uint8Array(16_000_000));
    const closing = server.close({ graceMs: 100 });
    expect([client.state, client.sendMessage('tick'), client.state]).toEqual(['closing', false, 'closing']);
    await closing;
    expect(errors).toMatchObject([{ code: 'UNSENT' }]);
  });
});

describe("a server's client", () => {
  it('never throws OUTBOX_FULL: its bound is maxBufferedBytes, and over it the client is closed with 1013', async () => {
    const server = await serve({ maxBufferedBytes: 100_000 });
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    peer.socket.pause();
    const client = await accepting;
    const errors = errorsOf(client);
    for (let number = 0; number < 50; number++) client.sendMessageBinary(new Uint8Array(1_000_000));
    expect(client.state).toBe('closed');
    await until(() => expect(errors.map(({ code }) => code)).toEqual(['TOO_SLOW', 'UNSENT', 'UNSENT']));
  });

  it('is closed with 1009 by a send of more than its HELLO announced', async () => {
    const server = await serve();
    const accepting = nextClient(server);
    const peer = await greeted(server.port, 16_384);
    const client = await accepting;
    const errors = errorsOf(client);
    expect(client.sendMessage('x'.repeat(16_384))).toBe(true);
    expect(client.sendMessage('x'.repeat(16_385))).toBe(false);
    expect(await peer.closeCode()).toBe(1009);
    expect(errors.map(({ code }) => code)).toEqual(['MESSAGE_TOO_BIG', 'UNSENT']);
  });

  it.each([0, 1, 16_383])('is none where HELLO announces a largest message of %d bytes: 4400', async (largest) => {
    const server = await serve();
    const peer = await greeted(server.port, largest);
    expect(await peer.closeCode()).toBe(4400);
    expect(server.metrics.connectionsTotal).toBe(0);
  });
});

describe('errors of a client without a listener', () => {
  it('are logged once for each client and code, and then counted', async () => {
    const log = logged();
    const server = await serve();
    server.on('connection', (client) => {
      client.on('message', (message) => JSON.parse(String(message)));
    });
    const one = await pair(server);
    for (let number = 0; number < 20; number++) one.client.sendMessage('nonsense');
    await until(() => expect(server.metrics.errorsNotLogged).toBe(19));
    expect(log.mock.calls).toMatchObject([[{ code: 'HANDLER_FAILED' }]]);
    const other = await pair(server);
    other.client.sendMessage('nonsense');
    await until(() => expect(log).toHaveBeenCalledTimes(2));
  });

  it("all reach the server's listener, if it has one", async () => {
    const log = logged();
    const server = await serve();
    const codes: string[] = [];
    server.on('error', ({ code }) => codes.push(code));
    server.on('connection', (client) => {
      client.on('message', (message) => JSON.parse(String(message)));
    });
    const { client } = await pair(server);
    for (let number = 0; number < 3; number++) client.sendMessage('nonsense');
    await until(() => expect(codes).toEqual(['HANDLER_FAILED', 'HANDLER_FAILED', 'HANDLER_FAILED']));
    expect([log.mock.calls, server.metrics.errorsNotLogged]).toEqual([[], 0]);
  });
});

/** A bare socket that has said HELLO. */
async function greeted(port: number, maxMessageBytes: number): Promise<RawPeer> {
  const peer = await RawPeer.upgraded({ port }, { 'Sec-WebSocket-Protocol': 'gem.1' });
  peer.send(frame(Opcode.binary, encodeControl({ is: 'hello', initialCredit: 65_536, maxMessageBytes, protocols: [] })));
  return peer;
}
