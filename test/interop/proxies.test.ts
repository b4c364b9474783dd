import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { type ClientOptions, connect, type IWebsocketClient } from '../../src/entry/node.js';
import { listen, type WebsocketServer } from '../../src/entry/server.js';
import { type Certificate, selfSigned } from '../support/certificates.js';
import { describeWith } from '../support/needs.js';
import { limit } from '../support/pace.js';
import { type ReverseProxy, startHaproxy, startNginx } from './proxies.js';

const IDLE_SECONDS = 1;
const proxies = [
  ['nginx', startNginx],
  ['haproxy', startHaproxy],
] as const;

for (const [name, startProxy] of proxies) {
  describeWith(name, `our client and our server, with ${name} between them`, (program) => {
    let server: WebsocketServer;
    let proxy: ReverseProxy;
    let certificate: Certificate;
    beforeAll(async () => {
      certificate = await selfSigned('localhost');
      // The server does not ping here, so the connection is as idle as the client allows.
      server = await listen('127.0.0.1', 0, { liveness: false, maxMessageBytes: 2 * 1024 * 1024 });
      server.on('connection', (client) => {
        client.on('message', (message) => {
          if (typeof message !== 'string') client.sendMessageBinary(message);
          else if (message === 'close me') void client.close(4002, 'gladly');
          else client.sendMessage(message);
        });
      });
      proxy = await startProxy({ program, targetPort: server.port, idleSeconds: IDLE_SECONDS, certificate });
    });
    afterAll(async () => {
      await proxy[Symbol.asyncDispose]();
      await server.close();
    });

    function open(how: 'ws' | 'wss', options: ClientOptions = {}): Promise<IWebsocketClient> {
      if (how === 'ws') return connect(proxy.address, { type: 'insecure', ...options });
      return connect(proxy.secureAddress, { node: { ca: certificate.cert }, ...options });
    }

    async function read(client: IWebsocketClient, count: number): Promise<(string | Uint8Array)[]> {
      const messages: (string | Uint8Array)[] = [];
      for await (const message of client) {
        messages.push(message);
        if (messages.length === count) break;
      }
      return messages;
    }

    it.each(['ws', 'wss'] as const)('%s: passes an echo of text and of a megabyte, and the close code', async (how) => {
      const client = await open(how, { reconnect: false });
      const bytes = new Uint8Array(randomBytes(1_000_000));
      client.sendMessage('käse 💎');
      client.sendMessageBinary(bytes);
      const [text, binary] = await read(client, 2);
      expect(text).toBe('käse 💎');
      expect(Buffer.compare(binary as Uint8Array, bytes)).toBe(0);
      client.sendMessage('close me');
      await expect.poll(() => client.getMessage()).toMatchObject({ closeCode: 4002, reason: 'gladly', wasClean: true });
    });

    it.each(['ws', 'wss'] as const)('%s: cuts an idle connection, and the client reconnects by itself', async (how) => {
      const client = await open(how, { liveness: false, reconnect: { minDelayMs: 20, maxDelayMs: 50 } });
      const openedAt = Date.now();
      const cause = await new Promise((resolve) => client.on('reconnecting', (attempt) => resolve(attempt.cause)));
      expect(cause).toMatchObject({ code: 1006, wasClean: false });
      expect(Date.now() - openedAt).toBeGreaterThan(IDLE_SECONDS * 1000 - 200);
      await new Promise((resolve) => client.on('reconnected', resolve));
      client.sendMessage('still me');
      expect(await read(client, 1)).toEqual(['still me']);
      await client.close();
    });

    it.each(['ws', 'wss'] as const)('%s: keeps an idle connection with pings for any length of time', async (how) => {
      const client = await open(how, { liveness: { pingMs: (IDLE_SECONDS * 1000) / 4, timeoutMs: 10_000 } });
      const openedAt = Date.now();
      const states: string[] = [];
      client.on('state', (state) => states.push(state));
      await expect.poll(() => Date.now() - openedAt, { timeout: limit(10_000), interval: 100 }).toBeGreaterThan(IDLE_SECONDS * 3_500);
      expect(states).toEqual([]);
      client.sendMessage('still here');
      expect(await read(client, 1)).toEqual(['still here']);
      expect(client.stats.reconnects).toBe(0);
      await client.close();
    });

    it('a page of the public host requires `hosts` at the server, whose console message says so', async () => {
      const lines: string[] = [];
      const spy = vi.spyOn(console, 'warn').mockImplementation((line) => void lines.push(line));
      onTestFinished(() => spy.mockRestore());
      await using own = await listen('127.0.0.1', 0);
      await using ownProxy = await startProxy({ program, targetPort: own.port, idleSeconds: 30, certificate });
      const page: ClientOptions = {
        reconnect: false,
        node: { ca: certificate.cert, headers: { Host: 'game.example', Origin: 'https://game.example' } },
      };
      await expect(connect(ownProxy.secureAddress, page)).rejects.toMatchObject({ context: { status: 403 } });
      expect(lines).toEqual([expect.stringMatching(/^gemsocket: refused 127\.0\.0\.1 \(host, 403\): .*hosts: \['game\.example'\]$/)]);
      await own.close();

      for (const options of [{ hosts: ['game.example'] }, { origins: ['https://game.example'] }]) {
        await using other = await listen('127.0.0.1', 0, options);
        await using otherProxy = await startProxy({ program, targetPort: other.port, idleSeconds: 30, certificate });
        const client = await connect(otherProxy.secureAddress, page);
        await client.close();
      }
    });

    it('the server behind it is unavailable: the client reports the status and reconnects when the server is back', async () => {
      const own = await listen('127.0.0.1', 0);
      const { port } = own;
      await using ownProxy = await startProxy({ program, targetPort: port, idleSeconds: 30, certificate });
      const client = await connect(ownProxy.address, { type: 'insecure', reconnect: { minDelayMs: 20, maxDelayMs: 50 } });
      const statuses: unknown[] = [];
      client.on('reconnecting', ({ cause }) => statuses.push((cause as { context?: { status?: number } }).context?.status));
      await own.close();
      await expect.poll(() => statuses).toContainEqual(expect.toSatisfy((status) => status === 502 || status === 503));
      await using _ = await listen('127.0.0.1', port);
      await expect.poll(() => client.isConnectionOpen(), { timeout: limit(15_000) }).toBe(true);
      await client.close();
    });
  });
}
