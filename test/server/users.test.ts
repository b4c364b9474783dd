import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect, type WebsocketError } from '../../src/entry/node.js';
import type { ServerOptions, WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { encodeControl } from '../../src/session/controls.js';
import { startProxy } from '../support/proxy.js';
import { foreign, frame, handshake, nextClient, Opcode, pair, RawPeer, serve, until } from './support.js';

interface User {
  readonly name: string;
  readonly token: number;
}

/** A server that takes the user's name from the path, with a token that differs for each handshake. */
function serveUsers(options: ServerOptions = {}): Promise<WebsocketServer> {
  let token = 0;
  return serve({
    authenticate: ({ url = '' }) => ({ name: url.slice(1), token: token++ }),
    userKey: (user) => (user as User).name,
    ...options,
  });
}

/** A client of the user: with a session, which reconnects. */
async function connectAs(name: string, port: number, withSession: boolean) {
  const options = withSession ? { session: session(), reconnect: { minDelayMs: 1, maxDelayMs: 20 } } : { reconnect: false as const };
  const client = await connect(`ws://127.0.0.1:${port}/${name}`, { type: 'insecure', ...options });
  onTestFinished(() => void client.close());
  const closed = new Promise((resolve) => client.on('close', resolve));
  return { client, closed };
}

/** The report of a session's client that was disconnected and has reconnected. */
async function receiptOf(name: string, server: WebsocketServer): Promise<unknown> {
  const proxy = await startProxy(server.port);
  onTestFinished(() => proxy.close());
  const { client } = await connectAs(name, proxy.port, true);
  const receipt = new Promise((resolve) => client.on('reconnected', resolve));
  proxy.cut('reset');
  return receipt;
}

function errorsOf(server: WebsocketServer): WebsocketError[] {
  const errors: WebsocketError[] = [];
  server.on('error', (error) => errors.push(error));
  return errors;
}

describe('disconnectUser', () => {
  it('closes every connection of the user with 4401, and no other', async () => {
    const server = await serveUsers();
    const anna = [await connectAs('anna', server.port, false), await connectAs('anna', server.port, true)];
    const bert = [await connectAs('bert', server.port, false), await connectAs('bert', server.port, true)];
    expect(await server.disconnectUser('anna')).toBe(2);
    for (const { closed } of anna) expect(await closed).toEqual({ code: 4401, reason: '', wasClean: true });
    expect(bert.map(({ client }) => client.state)).toEqual(['open', 'open']);
    expect(server.clients.map(({ user }) => (user as User).name)).toEqual(['bert', 'bert']);
    expect(await server.disconnectUser('anna')).toBe(0);
  });

  it('takes a code and a reason', async () => {
    const server = await serveUsers();
    const { closed } = await connectAs('anna', server.port, true);
    await server.disconnectUser('anna', 4403, 'banned');
    expect(await closed).toEqual({ code: 4403, reason: 'banned', wasClean: true });
  });

  it('ends the session of a client that is disconnected: when it reconnects it gets the code, and no other session', async () => {
    const server = await serveUsers();
    const proxy = await startProxy(server.port);
    onTestFinished(() => proxy.close());
    const accepting = nextClient(server);
    const { closed } = await connectAs('anna', proxy.port, true);
    const accepted = await accepting;
    const ended = new Promise((resolve) => accepted.on('close', resolve));
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(accepted.state).toBe('reconnecting'));
    expect(await server.disconnectUser('anna', undefined, 'banned')).toBe(1);
    expect(await ended).toMatchObject({ code: 4401, reason: 'banned' });
    expect(server.metrics.sessionsDetached).toBe(0);
    await proxy.heal();
    expect(await closed).toMatchObject({ code: 4401, reason: 'banned' });
    expect(server.metrics).toMatchObject({ connectionsTotal: 1, closedTooSlow: 0, closedProtocolError: 0, sessionsExpired: 0 });
  });

  it('closes a socket whose session has not begun, and a handshake that follows it begins none', async () => {
    const server = await serveUsers();
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake({ 'Sec-WebSocket-Protocol': 'gem.1' }, 'GET /anna HTTP/1.1'));
    await until(() => peer.head());
    expect(await server.disconnectUser('anna')).toBe(1);
    peer.send(frame(Opcode.binary, encodeControl({ is: 'hello', initialCredit: 65_536, maxMessageBytes: 65_536, protocols: [] })));
    expect(await peer.closeCode()).toBe(4401);
    peer.socket.end();
    await peer.ended();
    expect(server.metrics).toMatchObject({ connectionsTotal: 0, clients: 0 });
  });

  it('without userKey takes the id of a client', async () => {
    const server = await serve({ authenticate: () => ({ name: 'anna' }) });
    const [one, two] = [await pair(server), await pair(server, { session: session() })];
    const closed = new Promise((resolve) => two.client.on('close', resolve));
    expect(await server.disconnectUser('anna')).toBe(0);
    expect(await server.disconnectUser(two.accepted.id)).toBe(1);
    expect(await closed).toMatchObject({ code: 4401 });
    expect(one.client.state).toBe('open');
  });

  it('rejects a key that is no string, and a code or a reason that no close frame can have', async () => {
    const server = await serveUsers();
    await connectAs('anna', server.port, false);
    for (const key of [undefined, null, 7, {}]) {
      await expect(server.disconnectUser(key as never)).rejects.toMatchObject({ code: 'INVALID_OPTION', context: { option: 'key' } });
    }
    await expect(server.disconnectUser('anna', 1006)).rejects.toMatchObject({ code: 'INVALID_CLOSE' });
    await expect(server.disconnectUser('anna', 4401, 'x'.repeat(124))).rejects.toMatchObject({ code: 'INVALID_CLOSE' });
    expect(server.clients).toHaveLength(1);
  });
});

describe('userKey', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('a bug');
      },
    ],
    ['returns no string', () => undefined as never],
  ])('that %s leaves the client without a user, and the server reports it', async (_what, userKey) => {
    const server = await serveUsers({ userKey });
    const errors = errorsOf(server);
    await connectAs('anna', server.port, false);
    for (const key of ['anna', 'undefined', '']) expect(await server.disconnectUser(key)).toBe(0);
    expect(errors).toHaveLength(3);
    expect(errors[0]).toMatchObject({ code: 'HANDLER_FAILED', context: { handler: 'userKey' } });
    expect(server.clients).toHaveLength(1);
  });

  it('says whether two handshakes are of the same user, so that a session can be resumed with another token', async () => {
    const server = await serveUsers();
    expect(await receiptOf('anna', server)).toMatchObject({ resumed: true });
  });

  it('that fails resumes no session', async () => {
    const server = await serveUsers({ userKey: () => undefined as never });
    const errors = errorsOf(server);
    expect(await receiptOf('anna', server)).toMatchObject({ resumed: false });
    expect(errors[0]).toMatchObject({ code: 'HANDLER_FAILED', context: { handler: 'userKey' } });
  });

  it('gives way to session.isSameUser', async () => {
    const server = await serveUsers({ session: { isSameUser: () => false } });
    expect(await receiptOf('anna', server)).toMatchObject({ resumed: false });
    expect(server.metrics.sessionsRefused).toBe(1);
  });

  it('counts the detached sessions of a user for maxDetachedPerUser', async () => {
    const server = await serveUsers({ session: { maxDetachedPerUser: 1 } });
    const detach = async (name: string) => {
      const socket = foreign(`ws://127.0.0.1:${server.port}/${name}`, ['gem.1']);
      await once(socket, 'open');
      const accepting = nextClient(server);
      socket.send(encodeControl({ is: 'hello', initialCredit: 65_536, maxMessageBytes: 65_536, protocols: [] }));
      const accepted = await accepting;
      socket.terminate();
      await until(() => expect(accepted.state).not.toBe('open'));
    };
    await detach('anna');
    await detach('bert');
    expect(server.metrics).toMatchObject({ sessionsDetached: 2, sessionsEvictedPerUser: 0 });
    await detach('anna');
    expect(server.metrics).toMatchObject({ sessionsDetached: 2, sessionsEvictedPerUser: 1 });
  });
});

describe("a server's client", () => {
  it('was not moved from another process', async () => {
    const server = await serve();
    const { accepted } = await pair(server);
    expect(accepted.resumed).toBe(false);
  });
});
