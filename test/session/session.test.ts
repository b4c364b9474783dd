import { describe, expect, it } from 'vitest';
import type { Continuity, Message } from '../../src/core/types.js';
import { readAll, World } from './support/world.js';

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('a session', () => {
  it('carries text and binary messages in both directions with their boundaries', () => {
    const world = new World().open();
    world.client.sendMessage('hello');
    world.client.sendMessage('');
    world.client.sendMessageBinary(bytes(1, 2, 3));
    world.client.sendMessageBinary(bytes());
    world.serverClient.sendMessage('grüß dich 👋');
    world.settle();
    expect(readAll(world.serverClient)).toEqual(['hello', '', bytes(1, 2, 3), bytes()]);
    expect(readAll(world.client)).toEqual(['grüß dich 👋']);
  });

  it('sends the messages of one turn in one batch', () => {
    const world = new World().open();
    const before = world.cable.client.sent.length;
    for (let n = 0; n < 100; n++) world.client.sendMessage(`message ${n}`);
    world.endTurn();
    expect(world.cable.client.sent.length - before).toBe(1);
  });

  it('negotiates the subprotocol of the application in its handshake', () => {
    const world = new World({ options: { protocols: ['game', 'chat'] } }).open();
    expect(world.client.protocol).toBe('chat');
    expect(world.serverClient.protocol).toBe('chat');
  });

  it('carries a message larger than a record and than the window', () => {
    const world = new World().open();
    const big = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
    const text = 'ü'.repeat(100_000);
    world.client.sendMessageBinary(big);
    world.serverClient.sendMessage(text);
    world.settle();
    const [arrived] = readAll(world.serverClient) as [Uint8Array];
    expect(Buffer.compare(arrived, big)).toBe(0);
    expect(readAll(world.client)).toEqual([text]);
  });

  it('grants credit for the fragments of a large message as they arrive, without a timer', () => {
    const world = new World({ client: { replayBytes: 1_000_000 } }).open();
    world.client.sendMessageBinary(new Uint8Array(1_000_000));
    world.settle();
    expect(readAll(world.serverClient)).toHaveLength(1);
  });

  it('stops the sender while the application does not read, and continues when it does', () => {
    const world = new World().open();
    const message = 'x'.repeat(1_000);
    for (let n = 0; n < 500; n++) world.client.sendMessage(message);
    world.settle();
    const first = readAll(world.serverClient, 1_000);
    expect(first.length).toBeLessThan(70);
    let total = first.length;
    for (let more = 1; more > 0; total += more) {
      world.pass(100);
      more = readAll(world.serverClient).length;
    }
    expect(total).toBe(500);
  });

  it('sends accepted messages before it closes, with the code on both sides', async () => {
    const world = new World().open();
    for (let n = 0; n < 10; n++) world.client.sendMessage(`${n}`);
    const closing = world.client.close(4001, 'enough');
    world.settle();
    expect(await closing).toEqual({ code: 4001, reason: 'enough', wasClean: true });
    expect(readAll(world.serverClient)).toHaveLength(10);
    expect(await world.serverClient.close()).toEqual({ code: 4001, reason: 'enough', wasClean: true });
  });
});

describe('a disconnect', () => {
  it('is invisible to the applications: no close, no second connection, every message once', () => {
    const world = new World().open();
    const receipts: Continuity[] = [];
    world.client.on('reconnected', (continuity) => receipts.push(continuity));
    world.client.sendMessage('a');
    world.settle();
    world.client.sendMessage('b');
    world.serverClient.sendMessage('x');
    world.endTurn();
    world.cut();
    world.client.sendMessage('c');
    expect([world.client.state, world.serverClient.state]).toEqual(['reconnecting', 'reconnecting']);
    world.pass(1_000);
    expect([world.client.state, world.serverClient.state]).toEqual(['open', 'open']);
    expect(readAll(world.serverClient)).toEqual(['a', 'b', 'c']);
    expect(readAll(world.client)).toEqual(['x']);
    expect(world.serverClients).toHaveLength(1);
    expect(receipts).toEqual([{ resumed: true, replayed: 2, lost: 0, reason: expect.any(String) }]);
  });

  it('is survived when nothing was sent before', () => {
    const world = new World().open();
    world.cut();
    world.pass(1_000);
    world.client.sendMessage('first');
    world.settle();
    expect(readAll(world.serverClient)).toEqual(['first']);
    expect(world.serverClients).toHaveLength(1);
  });

  it('ends with a report and a new session when the server has restarted', () => {
    const world = new World().open();
    const events: unknown[] = [];
    world.client.on('reconnected', (continuity) => events.push(continuity));
    world.client.on('undelivered', (messages) => events.push(messages));
    world.client.sendMessage('known');
    world.pass(100);
    world.client.sendMessage('unknown 1');
    world.client.sendMessageBinary(bytes(7));
    world.endTurn();
    world.restartServer();
    world.client.sendMessage('kept');
    world.pass(1_000);
    const undelivered: Message[] = ['unknown 1', bytes(7)];
    expect(events).toEqual([
      { resumed: false, replayed: 0, lost: undefined, lostFromPeer: undefined, reason: expect.stringContaining('does not know') },
      undelivered,
    ]);
    expect(world.client.state).toBe('open');
    expect(readAll(world.serverClient)).toEqual(['kept']);
  });
});
