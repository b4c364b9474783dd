import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { connect, type IWebsocketClient } from '../../src/entry/node.js';
import { listen, type ServerClient, type ServerOptions } from '../../src/entry/server.js';
import { selfSigned } from '../support/certificates.js';
import { describeWith } from '../support/needs.js';
import { freePort, start, startListening } from '../support/programs.js';
import { temporaryFolder } from './folder.js';

const script = (name: string) => fileURLToPath(new URL(`python/${name}.py`, import.meta.url));

/** The expectation of the Python client: an echo server that closes on request. */
function echo(client: ServerClient): void {
  client.on('message', (message) => {
    if (typeof message !== 'string') client.sendMessageBinary(message);
    else if (message === 'close me with 4002') void client.close(4002, 'gladly');
    else client.sendMessage(message);
  });
}

const found = {
  subprotocol: 'echo',
  echoes: Array(7).fill(true),
  fragments: 'in three fragments',
  binary_fragments: true,
  pongs: 51,
  in_order: true,
  our_close: [4001, 'enough'],
  their_close: [4002, 'gladly'],
  offering_compression: 'squeeze me',
};

describeWith('pythonWebsockets', 'clients of python3-websockets and our server', (python) => {
  const options: ServerOptions = { protocols: ['echo'], maxMessageBytes: 2 * 1024 * 1024 };

  it('accepts text, bytes, large, empty and fragmented messages, pings, and close codes from both sides', async () => {
    await using server = await listen('127.0.0.1', 0, options);
    server.on('connection', echo);
    await using client = start(python, [script('client'), `ws://127.0.0.1:${server.port}`]);
    expect(await client.ended, client.output).toBe(0);
    expect(JSON.parse(client.output)).toEqual(found);
  });

  it('accepts the same over wss', async () => {
    await using folder = await temporaryFolder();
    const tls = await selfSigned('localhost', '127.0.0.1');
    const authority = await folder.write('cert.pem', tls.cert);
    await using server = await listen('127.0.0.1', 0, { ...options, tls });
    server.on('connection', echo);
    await using client = start(python, [script('client'), `wss://localhost:${server.port}`, authority]);
    expect(await client.ended, client.output).toBe(0);
    expect(JSON.parse(client.output)).toEqual(found);
  });
});

describeWith('pythonWebsockets', 'our client and a server of python3-websockets', (python) => {
  async function open() {
    const port = await freePort();
    const server = await startListening(port, python, [script('server'), `${port}`]);
    const client = await connect(`127.0.0.1:${port}`, {
      type: 'insecure',
      protocols: ['echo'],
      reconnect: { minDelayMs: 20, maxDelayMs: 50 },
      liveness: { pingMs: 100, timeoutMs: 5_000 },
    });
    return { server, client };
  }

  async function next(client: IWebsocketClient): Promise<unknown> {
    for await (const message of client) return message;
    return undefined;
  }

  it('echoes text and bytes of every size in order', async () => {
    const { server, client } = await open();
    await using _ = server;
    expect(client.protocol).toBe('echo');
    const messages = ['', 'käse 💎', 'x'.repeat(1_000_000), new Uint8Array(), new Uint8Array(randomBytes(1_000_000))];
    for (const message of messages) {
      if (typeof message === 'string') client.sendMessage(message);
      else client.sendMessageBinary(message);
    }
    for (const message of messages) {
      const echoed = (await next(client)) as string | Uint8Array;
      expect(typeof echoed).toBe(typeof message);
      expect(Buffer.compare(Buffer.from(echoed as Uint8Array), Buffer.from(message as Uint8Array))).toBe(0);
    }
    expect(await client.close(4000, 'thanks')).toEqual({ code: 4000, reason: 'thanks', wasClean: true });
  });

  it('sends fragments and pings, and answers ours', async () => {
    const { server, client } = await open();
    await using _ = server;
    client.sendMessage('/fragments');
    expect(await next(client)).toBe('in three fragments');
    client.sendMessage('/ping');
    expect(await next(client)).toBe('ponged');
    await expect.poll(() => client.stats.rttMs).toBeGreaterThanOrEqual(0);
    await client.close();
  });

  it('closes with its own code, or crashes: both are reported, and the client reconnects', async () => {
    const { server, client } = await open();
    await using _ = server;
    for (const [order, code] of [
      ['/close', 4003],
      ['/crash', 1011],
    ] as const) {
      const cause = new Promise((resolve) => client.on('reconnecting', (attempt) => resolve(attempt.cause)));
      const reconnected = new Promise((resolve) => client.on('reconnected', resolve));
      client.sendMessage(order);
      expect(await cause).toMatchObject({ code, wasClean: true });
      await reconnected;
    }
    client.sendMessage('still me');
    expect(await next(client)).toBe('still me');
    await client.close();
  });
});
