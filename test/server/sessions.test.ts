import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ClientOptions, type Continuity, connect, type IWebsocketClient, type Message, type WebsocketError } from '../../src/entry/node.js';
import type { ServerClient, ServerOptions, WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { type FaultyProxy, startProxy } from '../support/proxy.js';
import { closeOf, foreign, foreignOpen, messageOf, nextClient, serve, serveEcho, until } from './support.js';

/** A quick reconnect, so that a break costs a test no time. */
const quick: ClientOptions = { reconnect: { minDelayMs: 1, maxDelayMs: 20 } };

async function open(port: number, options: ClientOptions = {}): Promise<IWebsocketClient> {
  const client = await connect(`ws://127.0.0.1:${port}`, { type: 'insecure', session: session(), ...quick, ...options });
  onTestFinished(() => void client.close());
  return client;
}

interface Setting {
  readonly server: WebsocketServer;
  readonly proxy: FaultyProxy;
  readonly client: IWebsocketClient;
  readonly accepted: ServerClient;
}

/** A session client and its server, with a link between them that the test can break. */
async function linked(serverOptions: ServerOptions = {}, options: ClientOptions = {}): Promise<Setting> {
  const server = await serve(serverOptions);
  const proxy = await startProxy(server.port);
  onTestFinished(() => proxy.close());
  const accepting = nextClient(server);
  const client = await open(proxy.port, options);
  return { server, proxy, client, accepted: await accepting };
}

function readAll(client: IWebsocketClient): Message[] {
  const messages: Message[] = [];
  client.on('message', (message) => messages.push(message));
  return messages;
}

describe('one port serves', () => {
  it('plain clients and session clients, each in its own way', async () => {
    const server = await serveEcho();
    const plain = await foreignOpen(server);
    const client = await open(server.port);
    const echoed = messageOf(plain);
    plain.send('plain');
    client.sendMessage('in a session');
    client.sendMessageBinary(Uint8Array.of(1, 2, 3));
    const messages = readAll(client);
    expect(await echoed).toBe('plain');
    await until(() => expect(messages).toEqual(['in a session', Uint8Array.of(1, 2, 3)]));
    expect(server.clients).toHaveLength(2);
    expect(server.metrics.clients).toBe(2);
  });
});
describe('a cut', () => {
  it('is seen by neither application', async () => {
    const { proxy, client, accepted, server } = await linked();
    const messages = readAll(accepted);
    let connections = 0;
    server.on('connection', () => (connections += 1));
    client.sendMessage('before');
    await until(() => expect(messages).toEqual(['before']));
    const receipts: Continuity[] = [];
    client.on('reconnected', (receipt) => receipts.push(receipt));
    proxy.cut('reset');
    client.sendMessage('meanwhile');
    await until(() => expect(messages).toEqual(['before', 'meanwhile']));
    expect(receipts).toMatchObject([{ resumed: true, lost: 0 }]);
    expect(connections).toBe(0);
    expect(server.metrics).toMatchObject({ sessionsResumed: 1, clients: 1 });
  });
});
