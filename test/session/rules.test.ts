import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../src/core/types.js';
import { RecordReader } from '../../src/session/codec.js';
import { encodeControl, Outcome } from '../../src/session/controls.js';
import * as Kind from '../../src/session/record-kind.js';
import { type Evictable, SessionRegistry } from '../../src/session/registry.js';
import { BareChannel } from './support/bare-channel.js';
import { FakeClock } from './support/fake-clock.js';
import { countingSecrets, readAll, registryDefaults, World } from './support/world.js';

const offer = { initialCredit: 10_000, maxMessageBytes: 16_384, protocols: [] };
const ACK_1 = Uint8Array.of(0x18, 1);
const ACK_2 = Uint8Array.of(0x18, 2);
const EMPTY_TEXT = 0x01;
const END_1000 = [0x23, 0x03, 0xe8];

/** Bodies of the records of this kind. */
function bodiesOf(batches: readonly Message[], kind: number): number[][] {
  const bodies: number[][] = [];
  for (const batch of batches as Uint8Array[]) {
    const records = new RecordReader(batch);
    while (records.next()) if (records.kind === kind) bodies.push([...batch.subarray(records.start, records.end)]);
  }
  return bodies;
}

/** The ticket of the first session, as its WELCOME says it. */
function ticketOf(world: World) {
  const welcome = world.cables[0]?.server.sent[0] as Uint8Array;
  return { id: welcome.slice(3, 19), secret: welcome.slice(19, 35) };
}

/** A RESUME of the world's session on a wire of its own. */
function resume(world: World, fields: { attempt?: number; received?: number; secret?: Uint8Array<ArrayBuffer> } = {}) {
  const { attempt = 1, received = 0, secret } = fields;
  const credentials = ticketOf(world) as { id: Uint8Array<ArrayBuffer>; secret: Uint8Array<ArrayBuffer> };
  const record = encodeControl({
    is: 'resume',
    ...credentials,
    ...(secret ? { secret } : {}),
    attempt,
    received,
    messagesSent: 0,
    ...offer,
  });
  const end = world.knock();
  end.events?.received(record, record.length);
  return end;
}

describe('a peer is closed with 4400', () => {
  it('for a numbered record after END in one batch', () => {
    const bare = new BareChannel();
    bare.receive(Uint8Array.of(...END_1000, EMPTY_TEXT));
    expect([bare.failures, bare.endings, bare.messages]).toEqual([[4400], [], []]);
  });

  it('for an acknowledgement that decreases', () => {
    const bare = new BareChannel();
    bare.channel.send('one', 3, 'reliable');
    bare.channel.send('two', 3, 'reliable');
    bare.receive(Uint8Array.of(0x0a));
    bare.receive(ACK_2);
    bare.receive(ACK_2);
    expect(bare.failures).toEqual([]);
    bare.receive(ACK_1);
    expect(bare.failures).toEqual([4400]);
  });

  it.each([
    ['beyond what was sent', 3],
    ['back', 1],
  ])('for a RESUMED whose count goes %s', (_where, received) => {
    const bare = new BareChannel();
    bare.channel.send('one', 3, 'reliable');
    bare.channel.send('two', 3, 'reliable');
    bare.receive(Uint8Array.of(0x0a));
    bare.receive(ACK_2);
    bare.channel.detach();
    bare.channel.attach(bare.end);
    bare.receive(encodeControl({ is: 'resumed', received, messagesSent: 0 }));
    expect(bare.failures).toEqual([4400]);
  });

  it('for a RESUME with an invalid count, which ends the session', () => {
    const world = new World().open();
    expect(resume(world, { received: 1 }).closedWith).toMatchObject({ code: 4400 });
    expect(world.serverClient.state).toBe('closed');
  });
});

describe('a peer is closed with 4413', () => {
  it.each([
    ['parts and a last one of a kind that is not known', 0x04],
    ['parts and a last one', 0x02],
  ])('for a message over the largest in %s', (_what, kind) => {
    const bare = new BareChannel({ maxMessageBytes: 10 });
    const part = (of: number) => [(6 << 4) | of, 1, 2, 3, 4, 5, 6];
    bare.receive(Uint8Array.of(...part(0x00), ...part(kind)));
    expect([bare.failures, bare.messages]).toEqual([[4413], []]);
  });

  it('for a volatile message over the announced size', () => {
    const bare = new BareChannel({ maxMessageBytes: 3 });
    bare.receive(Uint8Array.of(0x4d, 1, 2, 3, 4));
    expect([bare.failures, bare.messages]).toEqual([[4413], []]);
  });
});

describe('a receiver', () => {
  it('answers only the last of several PINGs in a batch', () => {
    const bare = new BareChannel();
    bare.receive(Uint8Array.of(0x1a, 7, 0x1a, 8, 0x2a, 9, 10));
    expect(bodiesOf(bare.end.sent, Kind.pong)).toEqual([[9, 10]]);
  });

  it('counts the parts of a message of a kind that it does not know, ignores them, and takes the next message whole', () => {
    const bare = new BareChannel();
    bare.receive(Uint8Array.of(0x10, 0x61, 0x14, 0x62, 0x11, 0x63));
    expect(bare.messages).toEqual(['c']);
    expect(bodiesOf(bare.end.sent, Kind.ack)).toEqual([[3]]);
  });

  it('ignores a limit that is lower than an earlier one', () => {
    const world = new World().open();
    const lower = Uint8Array.of(0x19, 0);
    world.cable.client.events?.received(lower, lower.length);
    world.client.sendMessage('still paid for');
    world.settle();
    expect(readAll(world.serverClient)).toEqual(['still paid for']);
  });

  it('reads a LEAVE that a client sends, and ignores it', () => {
    const world = new World().open();
    const leave = encodeControl({ is: 'leave', delayMs: 60_000 });
    world.cable.server.events?.received(leave, leave.length);
    world.cut();
    world.pass(1_000);
    expect([world.client.state, world.serverClient.state]).toEqual(['open', 'open']);
  });
});

describe('a RESUME', () => {
  it('with the attempt 0 is late: it is closed with 4409, and the session keeps its transport', () => {
    const world = new World().open();
    expect(resume(world, { attempt: 0 }).closedWith).toMatchObject({ code: 4409 });
    world.client.sendMessage('undisturbed');
    world.settle();
    expect(readAll(world.serverClient)).toEqual(['undisturbed']);
    expect(world.cables[0]?.server.closedWith).toBeUndefined();
  });

  it('with a wrong secret gets no tombstone of a session that is gone', () => {
    const registry = new SessionRegistry<Evictable>(countingSecrets(), new FakeClock(), registryDefaults);
    const credentials = registry.newCredentials();
    registry.add(credentials, { heldBytes: 0, hasCarried: false, owner: {}, evict() {} });
    registry.remove(credentials, { outcome: Outcome.evicted, lost: 7, finalCount: 3 });
    expect(registry.fateOf({ ...credentials, secret: new Uint8Array(16) })).toEqual({ outcome: Outcome.unknown, lost: undefined });
  });
});

it('retransmits only the records after the count of a peer that has read part of a batch', () => {
  const bare = new BareChannel();
  for (const text of ['one', 'two', 'three']) bare.channel.send(text, text.length, 'reliable');
  bare.endTurn();
  expect(bodiesOf(bare.end.sent, Kind.text)).toHaveLength(3);
  bare.channel.detach();
  bare.end.sent.length = 0;
  bare.channel.attach(bare.end);
  bare.receive(encodeControl({ is: 'resumed', received: 2, messagesSent: 0 }));
  const again = bodiesOf(bare.end.sent, Kind.text).map((body) => String.fromCharCode(...body));
  expect(again).toEqual(['three']);
});

it('has its secret in no error and in no log of a client', () => {
  const world = new World().open();
  const { secret } = ticketOf(world);
  world.cut();
  world.pass(1_000);
  world.cable.client.events?.received('a text message', 14);
  world.settle();
  expect(world.reports).toMatchObject([{ code: 'PROTOCOL_ERROR' }]);
  const shown = inspect([world.reports, world.client, world.serverClient, world.registry], { depth: 20, maxArrayLength: 100 });
  expect(shown).not.toContain([...secret].slice(0, 4).join(', '));
  expect(shown).not.toContain(Buffer.from(secret).toString('hex'));
});
