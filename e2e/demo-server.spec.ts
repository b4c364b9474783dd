import { connect, type IWebsocketClient } from 'gemsocket';
import { expect, test } from './demo.js';

/** What the arena's server withstands, said to it by a client that is no page. */

const open = (address: string) => connect(address, { type: 'insecure', protocols: ['arena'], reconnect: false });

function closeOf(client: IWebsocketClient): Promise<number> {
  return new Promise((resolve) => client.on('close', ({ code }) => resolve(code)));
}

/** The next text message of a type, as the arena says it. */
async function hear(client: IWebsocketClient, type: string): Promise<Record<string, never>> {
  for await (const message of client) {
    const said = typeof message === 'string' ? JSON.parse(message) : undefined;
    if (said?.type === type) return said;
  }
  throw new Error(`The connection ended before anything of type ${type}.`);
}

const hello = (name: unknown) => JSON.stringify({ type: 'hello', name, mineral: 'ruby' });

function position(x: number, y: number): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(5));
  view.setUint8(0, 1);
  view.setUint16(1, x * 32);
  view.setUint16(3, y * 32);
  return view.buffer;
}

test('a name is cleaned and cut before anybody sees it', async ({ demo }) => {
  await using client = await open(demo.address('/arena'));
  client.sendMessage(hello('  A\u0000d\u202Ea   the very long of name  '));
  const { id, players } = (await hear(client, 'welcome')) as unknown as { id: number; players: { id: number; name: string }[] };
  expect(players.find((player) => player.id === id)?.name).toBe('Ada the very lon');
});

test('of names that come too fast the last one counts', async ({ demo }) => {
  await using client = await open(demo.address('/arena'));
  client.sendMessage(hello('Ada'));
  await hear(client, 'welcome');
  for (let i = 1; i <= 9; i++) client.sendMessage(JSON.stringify({ type: 'name', name: `Ada ${i}`, mineral: 'emerald' }));
  const told: string[] = [];
  while (told.at(-1) !== 'Ada 9') told.push(((await hear(client, 'renamed')) as unknown as { player: { name: string } }).player.name);
  expect(told.length).toBeLessThanOrEqual(3);
});

test('a player that claims another position is held to the speed limit', async ({ demo }) => {
  await using client = await open(demo.address('/arena'));
  client.sendMessage(hello('Ada'));
  const { id, at } = (await hear(client, 'welcome')) as unknown as { id: number; at: { x: number; y: number } };
  const corner = { x: at.x < 800 ? 1500 : 100, y: at.y < 490 ? 900 : 80 };
  client.sendMessageBinary(position(corner.x, corner.y));
  client.sendMessage(JSON.stringify({ type: 'ping', at: 1 }));
  await hear(client, 'pong');
  const now = await nextPosition(client, id);
  expect(Math.hypot(now.x - at.x, now.y - at.y)).toBeLessThan(320);
});

test('nonsense is ignored, and too much of it ends with 1008', async ({ demo }) => {
  const client = await open(demo.address('/arena'));
  const ended = closeOf(client);
  client.sendMessage(hello('Ada'));
  for (const nonsense of ['{', 'null', '[]', '{"type":"name","name":7}', '{"type":"hello","name":"again"}']) client.sendMessage(nonsense);
  client.sendMessage(JSON.stringify({ type: 'ping', at: 2 }));
  await hear(client, 'pong');
  for (let i = 0; i < 20; i++) client.sendMessageBinary(new Uint8Array([9, i]));
  expect(await ended).toBe(1008);
});

test('a message that is too big ends with 1009, and too many with 1008', async ({ demo }) => {
  const big = await open(demo.address('/arena'));
  const tooBig = closeOf(big);
  big.sendMessage('x'.repeat(600));
  expect(await tooBig).toBe(1009);

  const many = await open(demo.address('/arena'));
  const tooMany = closeOf(many);
  many.sendMessage(hello('Ada'));
  for (let i = 0; i < 300; i++) many.sendMessage(JSON.stringify({ type: 'ping', at: i }), 'volatile');
  expect(await tooMany).toBe(1008);
});

test('a player that never sends a hello is disconnected', async ({ demo }) => {
  const client = await open(demo.address('/arena'));
  expect(await closeOf(client)).toBe(4008);
});

test('paths lead nowhere but to the page’s own files', async ({ demo }) => {
  for (const path of ['/../package.json', '/%2e%2e/server.mjs', '/lib/%2e%2e/%2e%2e/package.json', '/server.mjs', '/%00', '/%']) {
    expect((await fetch(demo.url + path)).status, path).toBe(404);
  }
  await expect(open(demo.address('/nowhere'))).rejects.toMatchObject({ code: 'CONNECT_FAILED', context: { status: 404 } });
});

async function nextPosition(client: IWebsocketClient, id: number): Promise<{ x: number; y: number }> {
  for await (const message of client) {
    if (typeof message === 'string') continue;
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    for (let at = 7; at < message.byteLength; at += 6) {
      if (view.getUint16(at) === id) return { x: view.getUint16(at + 2) / 32, y: view.getUint16(at + 4) / 32 };
    }
  }
  throw new Error('The connection ended before a snapshot.');
}
