import { expect, it } from 'vitest';
import type { Continuity, Message } from '../../src/core/types.js';
import { RecordReader } from '../../src/session/codec.js';
import { encodeControl, Outcome } from '../../src/session/controls.js';
import * as Kind from '../../src/session/record-kind.js';
import { type Evictable, SessionRegistry } from '../../src/session/registry.js';
import { BareChannel } from './support/bare-channel.js';
import { FakeClock } from './support/fake-clock.js';
import { countingSecrets, registryDefaults, World } from './support/world.js';

const evictable: Evictable = { heldBytes: 0, hasCarried: true, owner: {}, evict() {} };

it('keeps how a session ended, and frees the rest of its memory', () => {
  const registry = new SessionRegistry<Evictable>(countingSecrets(), new FakeClock(), registryDefaults);
  const credentials = registry.newCredentials();
  const serverSession = { ...evictable, heldBytes: 1, outcome: Outcome.evicted, lost: 2, channel: new Uint8Array(65_536) };
  registry.add(credentials, serverSession);
  registry.remove(credentials, serverSession);
  expect(registry.fateOf(credentials)).toEqual({ outcome: Outcome.evicted, lost: 2, credentials });
});

it('measures a session when it is detached, and not all of them each time', () => {
  const registry = new SessionRegistry<Evictable>(countingSecrets(), new FakeClock(), registryDefaults);
  let weighings = 0;
  for (let n = 0; n < 8; n++) {
    const credentials = registry.newCredentials();
    registry.add(credentials, {
      get heldBytes() {
        weighings += 1;
        return 5;
      },
      hasCarried: true,
      owner: {},
      evict() {},
    });
    registry.detached(credentials);
  }
  expect(weighings).toBe(8);
  expect(registry.metrics).toMatchObject({ detached: 8, detachedBytes: 40 });
});

it('acknowledges records in the same batch as the WELCOME of a new session', () => {
  const bare = new BareChannel();
  bare.receive(Uint8Array.of(0x11, 0x61, 0x11, 0x62, 0x11, 0x63));
  bare.channel.detach();
  bare.channel.attach(bare.end);
  bare.end.sent.length = 0;
  bare.clock.pass(1_000, () => {});
  const token = new Uint8Array(16);
  const terms = {
    initialCredit: 4_096,
    maxMessageBytes: 16_384,
    resumeWindowMs: 1,
    outcome: Outcome.unknown,
    lost: undefined,
    protocol: '',
  };
  const welcome = encodeControl({ is: 'welcome', id: token, secret: token, ...terms });
  bare.receive(Uint8Array.of(...welcome, 0x11, 0x64));
  bare.clock.pass(1_000, () => {});
  bare.receive(Uint8Array.of(0x0a));
  expect(kindsOf(bare.end.sent)).toContain(Kind.ack);
});

it('reports unacknowledged messages by an error, where undelivered has no listener', () => {
  const world = new World().open();
  world.client.sendMessage('one');
  world.client.sendMessage('two');
  world.endTurn();
  world.restartServer();
  world.pass(1_000);
  expect(world.reports).toMatchObject([{ code: 'UNDELIVERED', context: { messages: 2 } }]);
});

it('reports sent and unsent messages at the end, each once', () => {
  const world = new World({ options: { reconnect: false } }).open();
  world.client.sendMessage('sent');
  world.endTurn();
  world.serverClient.sendMessage('sent, too');
  world.cut();
  expect(world.client.state).toBe('closed');
  expect(world.reports).toMatchObject([{ code: 'UNDELIVERED', context: { messages: 1 } }]);
  world.serverClient.sendMessage('never left');
  world.pass(121_000);
  expect(world.registry.metrics.undelivered).toBe(2);
});

it('reads an unknown outcome as a session that the server does not know', () => {
  const world = new World().open();
  const receipts: Continuity[] = [];
  world.client.on('reconnected', (continuity) => receipts.push(continuity));
  world.cut();
  world.clock.pass(1_000, () => {});
  world.endTurn();
  const terms = { initialCredit: 1_000, maxMessageBytes: 16_384, resumeWindowMs: 1, outcome: 9, lost: undefined, protocol: '' };
  const welcome = encodeControl({ is: 'welcome', id: new Uint8Array(16), secret: new Uint8Array(16), ...terms });
  world.cable.client.events?.received(welcome, welcome.length);
  expect(receipts).toMatchObject([{ resumed: false, reason: expect.stringContaining('does not know') }]);
});

it('closes with 1009 a peer whose new session announces less than a message that was sent in part', () => {
  const server = { maxMessageBytes: 200_000 };
  const world = new World({ server }).open();
  const undelivered: Message[] = [];
  world.client.on('undelivered', (messages) => undelivered.push(...messages));
  const big = new Uint8Array(150_000);
  world.client.sendMessageBinary(big);
  world.endTurn();
  server.maxMessageBytes = 100_000;
  world.restartServer();
  world.client.sendMessage('after');
  world.pass(2_000);
  expect(world.cable.client.closedWith).toMatchObject({ code: 1009 });
  expect(undelivered).toEqual([big, 'after']);
  expect(world.reports).toMatchObject([{ code: 'MESSAGE_TOO_BIG' }, { code: 'UNSENT', context: { messages: 2 } }]);
});

function kindsOf(batches: readonly Message[]): number[] {
  const kinds: number[] = [];
  for (const batch of batches as Uint8Array[]) {
    const records = new RecordReader(batch);
    while (records.next()) kinds.push(records.kind);
  }
  return kinds;
}
