import { expect, it } from 'vitest';
import { connect } from '../../src/entry/node.js';
import { describeWith } from '../support/needs.js';
import { freePort, startListening } from '../support/programs.js';

describeWith('libwebsockets', 'our client and libwebsockets-test-server', (program) => {
  async function start() {
    const port = await freePort();
    const server = await startListening(port, program, [`--port=${port}`]);
    return { server, address: `ws://127.0.0.1:${port}` };
  }

  it('sends the numbers of its dumb-increment-protocol, and resets the count on request', async () => {
    const { server, address } = await start();
    await using _ = server;
    const client = await connect(address, { type: 'insecure', protocols: ['dumb-increment-protocol'] });
    expect(client.protocol).toBe('dumb-increment-protocol');
    const numbers: number[] = [];
    let wasReset = false;
    for await (const message of client) {
      expect(typeof message).toBe('string');
      const number = Number(message);
      if (numbers.length === 20 && !wasReset) {
        client.sendMessage('reset\n');
        wasReset = true;
      }
      if (wasReset && number < 10) break;
      numbers.push(number);
    }
    expect(numbers.slice(0, 20)).toEqual(numbers.slice(0, 20).map((_number, index) => (numbers[0] ?? 0) + index));
    expect(await client.close(1000, 'thank you')).toMatchObject({ code: 1000, wasClean: true });
  });

  it('mirrors messages to every client in order with its lws-mirror-protocol', async () => {
    const { server, address } = await start();
    await using _ = server;
    const options = { type: 'insecure', protocols: ['lws-mirror-protocol'] } as const;
    const [one, two] = await Promise.all([connect(address, options), connect(address, options)]);
    const texts = Array.from({ length: 20 }, (_text, number) => `d #ffffff ${number} 1 2 3;`);
    for (const text of texts) one.sendMessage(text);
    for (const reader of [one, two]) {
      let seen = '';
      for await (const message of reader) {
        seen += typeof message === 'string' ? message : Buffer.from(message).toString();
        if (seen.includes(texts.at(-1) as string)) break;
      }
      expect(seen).toContain(texts.join(''));
    }
    await Promise.all([one.close(), two.close()]);
  });

  it('refuses a client whose subprotocol it does not have', async () => {
    const { server, address } = await start();
    await using _ = server;
    await expect(connect(address, { type: 'insecure', protocols: ['no-such-protocol'] })).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it('is reconnected after it was killed and restarted', async () => {
    const { server, address } = await start();
    const client = await connect(address, {
      type: 'insecure',
      protocols: ['dumb-increment-protocol'],
      reconnect: { minDelayMs: 50, maxDelayMs: 100 },
    });
    const reconnecting = new Promise((resolve) => client.on('reconnecting', resolve));
    const reconnected = new Promise((resolve) => client.on('reconnected', resolve));
    await server.kill();
    expect(await reconnecting).toMatchObject({ cause: { code: 1006 } });
    const { port } = new URL(address);
    await using _ = await startListening(Number(port), program, [`--port=${port}`]);
    await reconnected;
    await client.close();
  });
});
