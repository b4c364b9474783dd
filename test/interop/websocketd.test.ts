import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { connect, type IWebsocketClient } from '../../src/entry/node.js';
import { describeWith } from '../support/needs.js';
import { freePort, startListening } from '../support/programs.js';

async function read(client: IWebsocketClient, enough: (messages: (string | Uint8Array)[]) => boolean): Promise<(string | Uint8Array)[]> {
  const messages: (string | Uint8Array)[] = [];
  for await (const message of client) {
    messages.push(message);
    if (enough(messages)) break;
  }
  return messages;
}

describeWith('websocketd', 'our client and websocketd', (program) => {
  async function start(...args: string[]) {
    const port = await freePort();
    const server = await startListening(port, program, ['--address=127.0.0.1', `--port=${port}`, '--loglevel=error', ...args]);
    return { server, address: `ws://127.0.0.1:${port}/` };
  }

  it('echoes lines through `cat` in order, with characters of every kind', async () => {
    const { server, address } = await start('cat');
    await using _ = server;
    const client = await connect(address, { type: 'insecure' });
    const lines = ['hello', '', 'käse', '💎 gem', 'x'.repeat(60_000), ...Array.from({ length: 500 }, (_line, number) => `${number}`)];
    for (const line of lines) client.sendMessage(line);
    expect(await read(client, ({ length }) => length === lines.length)).toEqual(lines);
    expect(await client.close()).toMatchObject({ code: 1000, wasClean: true });
  });

  it('echoes bytes through `cat` in binary mode', async () => {
    const { server, address } = await start('--binary', 'cat');
    await using _ = server;
    const client = await connect(address, { type: 'insecure' });
    const size = (pieces: (string | Uint8Array)[]) => pieces.reduce((sum, { length }) => sum + length, 0);
    // One at a time: websocketd deadlocks when more is in transit than the pipes to its program hold.
    for (let round = 0; round < 30; round++) {
      const bytes = randomBytes(10_000);
      client.sendMessageBinary(bytes);
      const pieces = await read(client, (all) => size(all) >= bytes.length);
      expect(pieces.every((piece) => piece instanceof Uint8Array)).toBe(true);
      expect(Buffer.compare(Buffer.concat(pieces as Uint8Array[]), bytes)).toBe(0);
    }
    await client.close();
  });

  it('reports to our client that the program behind the socket has ended', async () => {
    const { server, address } = await start('sh', '-c', 'echo last words');
    await using _ = server;
    const client = await connect(address, { type: 'insecure', reconnect: false });
    const messages: unknown[] = [];
    for await (const message of client) messages.push(message);
    expect(messages).toEqual(['last words']);
    expect(client.state).toBe('closed');
  });
});
