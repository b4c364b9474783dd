import { describe, expect, it } from 'vitest';
import type { Continuity, Message } from '../../src/core/types.js';
import { readAll, World } from './support/world.js';

describe('delivery', () => {
  it('sends a volatile message at once, in its place among the others', () => {
    const world = new World().open();
    world.client.sendMessage('1');
    world.client.sendMessage('2', 'volatile');
    world.client.sendMessageBinary(Uint8Array.of(3), 'volatile');
    world.client.sendMessage('4');
    world.settle();
    expect(readAll(world.serverClient)).toEqual(['1', '2', Uint8Array.of(3), '4']);
  });

  it('drops a volatile message while disconnected, and counts it', () => {
    const world = new World().open();
    world.cut();
    world.client.sendMessage('position', 'volatile');
    world.client.sendMessage('chat');
    world.pass(1_000);
    expect(readAll(world.serverClient)).toEqual(['chat']);
    expect(world.client.stats.messagesShed).toBe(1);
  });

  it('never retransmits a volatile message, only the others of its batch', () => {
    const world = new World().open();
    world.client.sendMessage('a');
    world.client.sendMessage('position', 'volatile');
    world.client.sendMessage('b');
    world.endTurn();
    world.cut();
    world.pass(1_000);
    expect(readAll(world.serverClient)).toEqual(['a', 'b']);
  });

  it('drops volatile messages on either side when the reader is behind', () => {
    const world = new World({ server: { windowBytes: 1_000 } }).open();
    for (let n = 0; n < 50; n++) {
      world.client.sendMessage('x'.repeat(68), 'volatile');
      world.settle();
    }
    expect(world.serverClient.stats.messagesShed).toBe(40);
    for (let n = 0; n < 50; n++) world.client.sendMessage('y'.repeat(68));
    world.client.sendMessage('z', 'volatile');
    expect(world.client.stats.messagesShed).toBe(1);
  });

  it('replaces a latest message while it waits', () => {
    const world = new World().open();
    world.cut();
    world.client.sendMessage('score 1', { latest: 'score' });
    world.client.sendMessage('chat');
    world.client.sendMessage('score 2', { latest: 'score' });
    world.pass(1_000);
    expect(readAll(world.serverClient)).toEqual(['score 2', 'chat']);
    expect(world.client.stats.messagesShed).toBe(1);
  });
});

describe('bounds', () => {
  it('refuses a message with OUTBOX_FULL beyond its bound, and loses no accepted one', () => {
    const world = new World({ options: { outbox: { maxBytes: 10_000 } } }).open();
    world.cut();
    const message = 'x'.repeat(3_000);
    for (let n = 0; n < 3; n++) world.client.sendMessage(message);
    expect(() => world.client.sendMessage(message)).toThrow(expect.objectContaining({ code: 'OUTBOX_FULL' }));
    world.pass(1_000);
    expect(readAll(world.serverClient)).toHaveLength(3);
  });

  it('keeps no more unacknowledged bytes than replayBytes', () => {
    const world = new World({ client: { replayBytes: 5_000 } }).open();
    const before = world.cable.client.sent.length;
    for (let n = 0; n < 20; n++) world.client.sendMessage('x'.repeat(998));
    world.endTurn();
    const sentBytes = world.cable.client.sent.slice(before).reduce((sum, batch) => sum + batch.length, 0);
    expect(sentBytes).toBeLessThanOrEqual(5_000);
    world.pass(1_000);
    expect(readAll(world.serverClient)).toHaveLength(20);
  });

  it('counts a cost for each batch, so that tiny ones are bounded too', () => {
    const world = new World({ client: { replayBytes: 5_000 } }).open();
    world.cable.isFrozen = true;
    const before = world.cable.client.sent.length;
    for (let n = 0; n < 200; n++) {
      world.client.sendMessage('x');
      world.endTurn();
    }
    expect(world.cable.client.sent.length - before).toBeLessThan(40);
    world.cable.isFrozen = false;
    world.pass(2_000);
    expect(readAll(world.serverClient)).toHaveLength(200);
  });

  it('fills the buffer of a transport to its bound, also within one turn, and keeps the rest in the outbox', () => {
    const bound = { windowBytes: 4_000_000, replayBytes: 4_000_000 };
    const world = new World({ server: bound, client: bound }).open();
    for (let n = 0; n < 3_000; n++) world.client.sendMessage('x'.repeat(300));
    world.client.sendMessage('old', { latest: 'position' });
    world.client.sendMessage('new', { latest: 'position' });
    world.endTurn();
    expect(world.cable.client.bufferedBytes).toBeLessThanOrEqual(5 * 65_536);
    expect(world.client.stats.messagesShed).toBe(1);
    world.pass(1_000);
    const messages = readAll(world.serverClient);
    expect([messages.length, messages.at(-1)]).toEqual([3_001, 'new']);
  });

  describe('closes with 1009 a peer that announces less than a message needs', () => {
    const [limit, tooBig] = [20_000, 'x'.repeat(20_001)];
    const errors = [
      { code: 'MESSAGE_TOO_BIG', context: { size: 20_001, limit, closeCode: 1009 } },
      { code: 'UNSENT', context: { messages: 1, bytes: 20_001, code: 1009 } },
    ];

    it('the send returns false and does not throw; the message is reported as undelivered, and earlier ones arrive', () => {
      const world = new World({ server: { maxMessageBytes: limit } }).open();
      const undelivered: Message[] = [];
      world.client.on('undelivered', (messages) => undelivered.push(...messages));
      expect(world.client.sendMessage('x'.repeat(limit))).toBe(true);
      world.settle();
      expect(readAll(world.serverClient)).toHaveLength(1);
      world.pass(25);
      expect(world.client.sendMessage('before')).toBe(true);
      expect(world.client.sendMessage(tooBig)).toBe(false);
      expect(world.client.state).toBe('closed');
      expect(world.cable.client.closedWith).toMatchObject({ code: 1009, reason: 'MESSAGE_TOO_BIG' });
      expect(undelivered).toEqual(['before', tooBig]);
      expect(world.reports).toMatchObject(errors);
      expect(world.client.sendMessage('after')).toBe(false);
      world.pass(60_000);
      expect(world.cables, 'it does not reconnect').toHaveLength(1);
      expect(readAll(world.serverClient)).toEqual(['before']);
    });

    it('ends the session of the peer, which keeps nothing for a closed client', async () => {
      const world = new World({ server: { maxMessageBytes: limit } }).open();
      world.client.sendMessage(tooBig);
      world.settle();
      expect(await world.serverClient.close()).toEqual({ code: 1009, reason: 'MESSAGE_TOO_BIG', wasClean: true });
      expect(world.registry.metrics.detached).toBe(0);
    });

    it('also the client of a server, which reports why, and reconnects with a new session', () => {
      const world = new World({ client: { maxMessageBytes: limit } }).open();
      const receipts: string[] = [];
      world.client.on('reconnected', ({ reason }) => receipts.push(reason));
      const { serverClient } = world;
      expect(serverClient.sendMessage(tooBig)).toBe(false);
      expect([serverClient.state, world.registry.metrics.detached]).toEqual(['closed', 0]);
      expect(world.reports).toMatchObject(errors);
      world.pass(1_000);
      expect(receipts).toEqual(['The peer ended the session with 1009.']);
      expect(world.client.state).toBe('open');
    });

    it('also for a message that was accepted before the handshake', () => {
      const world = new World({ server: { maxMessageBytes: limit } });
      const undelivered: Message[] = [];
      world.client.on('undelivered', (messages) => undelivered.push(...messages));
      world.client.connect().catch(() => {});
      world.client.sendMessage('small');
      world.client.sendMessage(tooBig);
      world.client.sendMessage('behind it');
      world.settle();
      expect(undelivered).toEqual(['small', tooBig, 'behind it']);
      expect(world.reports).toMatchObject([errors[0], { code: 'UNSENT', context: { messages: 2, bytes: 20_010, code: 1009 } }]);
      expect(readAll(world.serverClient)).toEqual(['small']);
    });

    it.each(['volatile', { latest: 'position' }] as const)('whatever its delivery: %j', (delivery) => {
      const world = new World({ server: { maxMessageBytes: limit } }).open();
      expect(world.client.sendMessage(tooBig, delivery)).toBe(false);
      expect(world.reports).toMatchObject(errors);
    });

    it('while the owner closes, too: the rest is unsent, and the close has the code', async () => {
      const world = new World({ server: { maxMessageBytes: limit, windowBytes: 40_000 } }).open();
      for (let n = 0; n < 4; n++) world.client.sendMessage('x'.repeat(15_000));
      expect(world.client.sendMessage(tooBig)).toBe(true);
      const closed = world.client.close();
      world.settle();
      expect(readAll(world.serverClient)).toHaveLength(2);
      world.settle();
      expect(await closed).toMatchObject({ code: 1009 });
      expect(world.reports).toMatchObject([errors[0], { code: 'UNDELIVERED' }, errors[1]]);
    });
  });

  it('buffers no control records for a peer that does not read', () => {
    const world = new World({ server: { windowBytes: 1_000_000 } }).open();
    world.cable.isFrozen = true;
    for (let n = 0; n < 200; n++) world.client.sendMessage('x'.repeat(1_000));
    world.endTurn();
    const buffered = world.cable.client.bufferedBytes;
    for (let n = 0; n < 100; n++) {
      world.cable.client.events?.received(Uint8Array.of(0x0a), 1);
      world.endTurn();
    }
    expect(world.cable.client.bufferedBytes).toBe(buffered);
  });
});

describe('acknowledgements', () => {
  const acks = (world: World) => world.cable.client.sent.filter((batch) => batch[0] === 0x18).length;

  it('are sent at the end of the turn for a message after a pause', () => {
    const world = new World().open();
    world.pass(1_000);
    const before = acks(world);
    world.serverClient.sendMessage('one');
    world.settle();
    expect(acks(world) - before).toBe(1);
  });

  it('are sent every ackDelayMs in a stream', () => {
    const world = new World().open();
    world.pass(1_000);
    const before = acks(world);
    for (let n = 0; n < 100; n++) {
      world.serverClient.sendMessage('one');
      world.pass(1);
    }
    expect(acks(world) - before).toBeGreaterThanOrEqual(4);
    expect(acks(world) - before).toBeLessThanOrEqual(6);
  });

  it('are sent at the end of the turn when timers are late, as in a hidden page', () => {
    const world = new World().open();
    for (let n = 0; n < 3; n++) {
      world.serverClient.sendMessage('one');
      world.settle();
      world.clock.throttle(1_000);
      world.pass(0);
    }
    world.serverClient.sendMessage('first');
    world.settle();
    const before = acks(world);
    world.serverClient.sendMessage('second');
    world.settle();
    expect(acks(world) - before).toBe(1);
  });
});

describe('the end of a session', () => {
  it('comes from the server after its last messages, and the client reconnects if the code allows it', async () => {
    const world = new World().open();
    const receipts: Continuity[] = [];
    world.client.on('reconnected', (continuity) => receipts.push(continuity));
    world.serverClient.sendMessage('last');
    const closing = world.serverClient.close(1001, 'restart');
    world.settle();
    expect(await closing).toEqual({ code: 1001, reason: 'restart', wasClean: true });
    expect(world.client.state).toBe('reconnecting');
    world.pass(1_000);
    expect(readAll(world.client)).toEqual(['last']);
    expect(receipts).toEqual([
      { resumed: false, replayed: 0, lost: undefined, reason: 'The peer ended the session with 1001.', lostFromPeer: undefined },
    ]);
    expect(world.serverClients).toHaveLength(2);
  });

  it('is final with a code that forbids reconnecting', () => {
    const world = new World().open();
    void world.serverClient.close(4403, 'banned');
    world.settle();
    expect(world.client.state).toBe('closed');
  });

  it('delays the next attempt of a client by LEAVE', () => {
    const world = new World().open();
    const attempts: number[] = [];
    world.client.on('reconnecting', ({ delayMs }) => attempts.push(delayMs));
    world.channelOf(world.serverClient).leave(7_000);
    void world.serverClient.close(1001, 'restart');
    world.settle();
    expect(attempts).toEqual([7_000]);
    world.pass(6_900);
    expect(world.client.state).toBe('reconnecting');
    world.pass(200);
    expect(world.client.state).toBe('open');
  });

  it('reports messages as undelivered that a close could not deliver in its time', async () => {
    const world = new World().open();
    const undelivered: Message[] = [];
    world.client.on('undelivered', (messages) => undelivered.push(...messages));
    world.cable.isFrozen = true;
    world.client.sendMessage('stuck');
    const closing = world.client.close();
    world.pass(5_000);
    expect(await closing).toMatchObject({ code: 1006, wasClean: false });
    expect(undelivered).toEqual(['stuck']);
  });

  it('is sent in one turn when the process exits', () => {
    const world = new World().open();
    world.client.sendMessage('last words');
    world.exit();
    world.cable.deliver('client');
    expect(readAll(world.serverClient)).toEqual(['last words']);
    expect(world.serverClient.state).toBe('closed');
  });
});

describe('a half-open connection', () => {
  it('is detected in time, also while the application reads a full inbox', () => {
    const world = new World({ options: { inbox: { maxMessages: 10 }, liveness: { pingMs: 1_000, timeoutMs: 1_000 } } }).open();
    for (let n = 0; n < 20; n++) world.serverClient.sendMessage('x');
    world.pass(100);
    world.cable.isFrozen = true;
    world.pass(1_500);
    expect(readAll(world.client)).toHaveLength(20);
    world.pass(700);
    expect(world.client.state).toBe('reconnecting');
  });
});

describe('a page', () => {
  it('that is hidden and shown again resumes its session', () => {
    const world = new World().open();
    world.client.sendMessage('before');
    world.suspend();
    world.settle();
    expect(world.serverClient.state).toBe('reconnecting');
    world.wake();
    world.settle();
    expect([world.client.state, world.serverClient.state]).toEqual(['open', 'open']);
    expect(readAll(world.serverClient)).toEqual(['before']);
    expect(world.serverClients).toHaveLength(1);
  });
});

describe('a retransmission', () => {
  it('that is interrupted starts again at the count of the peer, in order', () => {
    const world = new World({ client: { transportMarkBytes: 300 } }).open();
    for (let n = 0; n < 8; n++) {
      world.client.sendMessage(`${n}`.repeat(100));
      world.endTurn();
      world.cable.client.shift();
    }
    world.cut();
    for (let attempt = 0; attempt < 3; attempt++) {
      world.clock.pass(1_000, () => world.endTurn());
      world.cable.deliver('client');
      world.cable.deliver('server');
      expect(world.cable.client.bufferedBytes).toBeLessThan(800);
      world.cable.deliver('client');
      world.cut();
    }
    world.pass(5_000);
    expect(readAll(world.serverClient)).toEqual(Array.from({ length: 8 }, (_, n) => `${n}`.repeat(100)));
  });
});

describe('a fragmented message', () => {
  it('continues in the middle after a disconnect', () => {
    const world = new World().open();
    const big = 'b'.repeat(60_000);
    world.client.sendMessage(big);
    world.client.sendMessage('after');
    world.endTurn();
    world.cable.deliver('client');
    const arrived = world.cable.client.bufferedBytes;
    world.cut();
    world.pass(1_000);
    expect(readAll(world.serverClient)).toEqual([big, 'after']);
    expect(arrived).toBeLessThan(60_000);
  });

  it('is sent from its beginning in a new session if not all of it had been sent', () => {
    const world = new World({ client: { replayBytes: 20_000 } }).open();
    const big = 'b'.repeat(60_000);
    world.client.sendMessage(big);
    world.endTurn();
    world.restartServer();
    world.pass(1_000);
    expect(readAll(world.serverClient)).toEqual([big]);
  });

  it('is reported as undelivered as a whole if the session is gone before its last record is acknowledged', () => {
    const world = new World().open();
    const undelivered: Message[] = [];
    world.client.on('undelivered', (messages) => undelivered.push(...messages));
    world.client.sendMessage('small');
    world.client.sendMessage('ü'.repeat(20_000));
    world.client.sendMessageBinary(Uint8Array.of(1));
    world.endTurn();
    world.restartServer();
    world.pass(1_000);
    expect(undelivered).toEqual(['small', 'ü'.repeat(20_000), Uint8Array.of(1)]);
  });
});

describe('a server without sessions', () => {
  it('ends the attempt with a code and an error that say so', async () => {
    const world = new World();
    const failing = world.client.connect();
    world.cable.client.protocol = '';
    world.settle();
    await expect(failing).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(world.cable.client.closedWith).toMatchObject({ code: 4426 });
    expect(world.client.state).toBe('closed');
  });
});

describe('a page that is unloaded', () => {
  it('ends its session with END and 1001, after the messages that it has sent', () => {
    const world = new World().open();
    const ends: unknown[] = [];
    world.serverClient.on('close', (info) => ends.push(info));
    world.client.sendMessage('last words');
    world.suspend(true);
    world.settle();
    expect(readAll(world.serverClient)).toEqual(['last words']);
    expect(ends).toEqual([{ code: 1001, reason: 'page hidden', wasClean: true }]);
    expect([world.serverClient.state, world.registry.metrics.detached]).toEqual(['closed', 0]);
  });

  it('leaves its session to the resume window where messages still wait to be sent, so that their loss is reported', () => {
    const world = new World({ client: { windowBytes: 32_768 }, server: { windowBytes: 32_768 } }).open();
    for (let count = 0; count < 10; count += 1) world.client.sendMessageBinary(new Uint8Array(16_000));
    world.suspend(true);
    world.settle();
    expect(world.serverClient.state).toBe('reconnecting');
  });

  it('leaves its session to the resume window if it may be shown again', () => {
    const world = new World().open();
    world.suspend(false);
    world.settle();
    expect(world.serverClient.state).toBe('reconnecting');
  });

  it('whose WebSocket the browser closes with 1001 has 10 s to reconnect', () => {
    const world = new World().open();
    world.cable.server.events?.closed({ code: 1001, reason: '', wasClean: true });
    expect(world.serverClient.state).toBe('reconnecting');
    world.pass(9_999);
    expect(world.serverClient.state).toBe('reconnecting');
    world.pass(1);
    expect([world.serverClient.state, world.registry.metrics.detached]).toEqual(['closed', 0]);
  });

  it('keeps its session if it reconnects in that time', () => {
    const world = new World().open();
    const receipts: Continuity[] = [];
    world.client.on('reconnected', (continuity) => receipts.push(continuity));
    world.cable.server.events?.closed({ code: 1001, reason: '', wasClean: true });
    world.cable.client.events?.closed({ code: 1006, reason: '', wasClean: false });
    world.pass(60_000);
    expect(receipts).toMatchObject([{ resumed: true, lost: 0 }]);
    expect([world.client.state, world.serverClient.state]).toEqual(['open', 'open']);
  });
});
