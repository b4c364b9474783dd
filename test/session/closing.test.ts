import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/core/types.js';
import { readAll, World } from './support/world.js';

describe('close() of a client that is disconnected', () => {
  it('retransmits the messages accepted before it, and then END', async () => {
    const world = new World().open();
    world.client.sendMessage('last');
    const closed = world.client.close(4001, 'over');
    world.cut();
    world.pass(2_000);
    expect(readAll(world.serverClient)).toEqual(['last']);
    await expect(closed).resolves.toEqual({ code: 4001, reason: 'over', wasClean: true });
    expect(world.serverClient.state).toBe('closed');
  });

  it('reconnects for the acknowledgement of its END alone, and begins no new session', async () => {
    const world = new World().open();
    const undelivered: Message[] = [];
    world.client.on('undelivered', (messages) => undelivered.push(...messages));
    world.client.sendMessage('last');
    const closed = world.client.close(4001, 'over');
    world.endTurn();
    world.cable.deliver('client');
    expect(world.serverClient.state).toBe('closed');
    world.cut();
    world.pass(2_000);
    await expect(closed).resolves.toEqual({ code: 4001, reason: 'over', wasClean: true });
    expect(undelivered).toEqual([]);
    expect(world.serverClients).toHaveLength(1);
    expect(readAll(world.serverClient)).toEqual(['last']);
  });

  it('detects a half-open connection, and continues over the next one', async () => {
    const world = new World({ options: { liveness: { pingMs: 500, timeoutMs: 500 } } }).open();
    world.cable.isFrozen = true;
    world.client.sendMessage('last');
    const closed = world.client.close(4001, 'over');
    world.pass(4_000);
    expect(readAll(world.serverClient)).toEqual(['last']);
    await expect(closed).resolves.toEqual({ code: 4001, reason: 'over', wasClean: true });
  });

  it('reports no reconnecting: the application has closed', () => {
    const world = new World().open();
    const told: string[] = [];
    for (const event of ['reconnecting', 'reconnected'] as const) world.client.on(event, () => told.push(event));
    world.client.on('state', (now) => told.push(now));
    void world.client.close();
    world.cut();
    world.pass(2_000);
    expect(told).toEqual(['closing', 'closed']);
  });

  it('while reconnecting still delivers waiting messages over the next transport', async () => {
    const world = new World().open();
    world.isRefusing = true;
    world.cut();
    world.client.sendMessage('accepted while away');
    const closed = world.client.close(4001, 'over');
    expect(world.client.state).toBe('closing');
    world.isRefusing = false;
    world.pass(5_000);
    expect(readAll(world.serverClient)).toEqual(['accepted while away']);
    await expect(closed).resolves.toMatchObject({ code: 4001, wasClean: true });
  });

  it('ends after closeTimeoutMs without a server, and reports everything as undelivered', async () => {
    const world = new World({ options: { closeTimeoutMs: 3_000 } }).open();
    const undelivered: Message[] = [];
    world.client.on('undelivered', (messages) => undelivered.push(...messages));
    world.client.sendMessage('numbered');
    world.endTurn();
    world.isRefusing = true;
    world.cut();
    world.client.sendMessage('waiting');
    const closed = world.client.close();
    world.pass(2_900);
    expect(world.client.state).toBe('closing');
    world.pass(200);
    await expect(closed).resolves.toMatchObject({ code: 1006, wasClean: false });
    expect(undelivered).toEqual(['numbered', 'waiting']);
  });

  it('ends a session that the server has lost with the same END, and reports messages that may be lost', async () => {
    const world = new World().open();
    const undelivered: Message[] = [];
    world.client.on('undelivered', (messages) => undelivered.push(...messages));
    world.client.sendMessage('numbered');
    world.endTurn();
    const closed = world.client.close(4001, 'over');
    world.restartServer();
    world.pass(2_000);
    await expect(closed).resolves.toMatchObject({ code: 4001, wasClean: true });
    expect(undelivered).toEqual(['numbered']);
    expect(world.serverClient.state).toBe('closed');
  });

  it('ends at once where reconnecting is off', async () => {
    const world = new World({ options: { reconnect: false } }).open();
    const closed = world.client.close();
    world.cut();
    world.settle();
    await expect(closed).resolves.toMatchObject({ code: 1006 });
  });

  it('ends at once where the server has ended the session and no message waits', async () => {
    const world = new World().open();
    world.isRefusing = true;
    void world.serverClient.close(1001, 'restarting');
    world.settle();
    expect(world.client.state).toBe('reconnecting');
    const closed = world.client.close(4001, 'over');
    expect(world.client.state).toBe('closed');
    await expect(closed).resolves.toEqual({ code: 1006, reason: 'over', wasClean: false });
  });

  it('begins a new session where the server has ended the last one and a message waits', async () => {
    const world = new World().open();
    world.isRefusing = true;
    void world.serverClient.close(1001, 'restarting');
    world.settle();
    world.client.sendMessage('for whoever is there');
    const closed = world.client.close(4001, 'over');
    world.isRefusing = false;
    world.pass(2_000);
    await expect(closed).resolves.toEqual({ code: 4001, reason: 'over', wasClean: true });
    expect(readAll(world.serverClient)).toEqual(['for whoever is there']);
  });

  it('ends at once when the process exits', () => {
    const world = new World().open();
    world.isRefusing = true;
    world.cut();
    void world.client.close();
    world.exit();
    expect(world.client.state).toBe('closed');
  });
});

describe('close() in the handler of a message', () => {
  it('acknowledges that message and those before it: they are not reported as undelivered', () => {
    const world = new World().open();
    const undelivered: Message[] = [];
    world.client.on('undelivered', (messages) => undelivered.push(...messages));
    world.serverClient.on('message', (message) => {
      if (message === 'kick me') void world.serverClient.close(4403, 'as you wish');
    });
    for (const message of ['hello', 'kick me', 'too late']) world.client.sendMessage(message);
    world.settle();
    expect(world.client.state).toBe('closed');
    expect(undelivered).toEqual(['too late']);
  });
});

describe('close() by the server while the client is disconnected', () => {
  it('closes the client when it reconnects before END has arrived', async () => {
    const world = new World().open();
    world.cable.client.lose();
    void world.serverClient.close(4403, 'banned');
    world.pass(2_000);
    expect(world.serverClients).toHaveLength(1);
    await expect(world.client.close()).resolves.toEqual({ code: 4403, reason: 'banned', wasClean: true });
  });

  it('still delivers the messages accepted before it', () => {
    const world = new World().open();
    world.cut();
    world.serverClient.sendMessage('you may read this');
    void world.serverClient.close(4403, 'banned');
    world.pass(2_000);
    expect(readAll(world.client)).toEqual(['you may read this']);
    expect(world.client.state).toBe('closed');
  });

  it('also closes a client that reconnects after the close timeout', async () => {
    const world = new World().open();
    world.isRefusing = true;
    world.cut();
    const closed = world.serverClient.close(4403, 'banned');
    world.pass(20_000);
    await expect(closed).resolves.toMatchObject({ code: 1006 });
    world.isRefusing = false;
    world.pass(60_000);
    expect(world.serverClients).toHaveLength(1);
    await expect(world.client.close()).resolves.toMatchObject({ code: 4403, reason: 'banned' });
  });

  it('also closes a client whose last messages are still unread', async () => {
    const world = new World().open();
    world.client.sendMessage('last');
    world.settle();
    world.isRefusing = true;
    world.cut();
    void world.serverClient.close(4403, 'banned');
    world.pass(20_000);
    world.isRefusing = false;
    world.pass(60_000);
    await expect(world.client.close()).resolves.toMatchObject({ code: 4403, reason: 'banned' });
    expect(readAll(world.serverClient)).toEqual(['last']);
  });

  it('lets the client reconnect with a new session after a code that allows it', () => {
    const world = new World().open();
    world.isRefusing = true;
    world.cut();
    void world.serverClient.close(1001, 'restarting');
    world.pass(20_000);
    world.isRefusing = false;
    world.pass(60_000);
    expect(world.serverClients).toHaveLength(2);
    expect(world.client.state).toBe('open');
  });

  it('waits no longer than the resume window', async () => {
    const world = new World({ registry: { resumeWindowMs: 1_000 } }).open();
    world.isRefusing = true;
    world.cut();
    const closed = world.serverClient.close(1001, '');
    world.pass(1_100);
    await expect(closed).resolves.toMatchObject({ code: 1006 });
  });
});
