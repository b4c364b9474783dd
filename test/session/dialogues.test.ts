import { describe, expect, it } from 'vitest';
import { Client } from '../../src/core/client.js';
import { type ChannelFeature, clientParts } from '../../src/core/client-parts.js';
import { resolveOptions } from '../../src/core/options.js';
import type { Platform } from '../../src/core/platform.js';
import type { AcceptedTransport, Dial } from '../../src/core/transport.js';
import type { CloseInfo, Continuity, Message } from '../../src/core/types.js';
import { SessionAcceptor } from '../../src/session/acceptor.js';
import { RecordReader } from '../../src/session/codec.js';
import { resolveSession, session, sessionSettings } from '../../src/session/feature.js';
import { ClientHandshake } from '../../src/session/handshake.js';
import * as Kind from '../../src/session/record-kind.js';
import { SessionRegistry } from '../../src/session/registry.js';
import { SessionChannel } from '../../src/session/session-channel.js';
import { TestServerClient } from '../support/server-client.js';
import { CableEnd } from './support/cable.js';
import { FakeClock } from './support/fake-clock.js';
import { bytesOf, hexOf, type VectorBytes, vectors } from './support/vectors.js';
import { countingSecrets, readAll, registryDefaults } from './support/world.js';

type VectorMessage = string | { readonly hex: string };

interface Step {
  readonly open?: true;
  readonly theirs?: VectorBytes;
  readonly ours?: VectorBytes;
  readonly send?: readonly VectorMessage[];
  readonly reads?: readonly VectorMessage[];
  readonly break?: true;
  readonly close?: { readonly code: number; readonly reason: string };
  readonly closes?: number;
  readonly closed?: { readonly code: number; readonly reason: string };
  readonly wire?: number;
  readonly receipt?: Partial<Continuity>;
  readonly undelivered?: readonly VectorMessage[];
}

interface Dialogue {
  readonly name: string;
  readonly role: 'client' | 'server';
  readonly steps: readonly Step[];
}

/** One side of a session; the vector plays the other. */
abstract class Side {
  readonly clock = new FakeClock();
  readonly ends: CableEnd[] = [];
  readonly receipts: Continuity[] = [];
  readonly undelivered: Message[] = [];
  closed: CloseInfo | undefined;
  #turn: (() => void)[] = [];
  #heard = 0;

  abstract client: Client;
  abstract open(): void;

  settle(): void {
    while (this.#turn.length > 0) for (const call of this.#turn.splice(0)) call();
  }

  /** Bytes of all records since the last time, PING apart. */
  said(): string {
    const batches = this.ends.flatMap(({ sent }) => sent) as Uint8Array[];
    const fresh = batches.slice(this.#heard);
    this.#heard = batches.length;
    return fresh.map(withoutPings).join('');
  }

  protected watch(client: Client): Client {
    client.on('reconnected', (continuity) => this.receipts.push(continuity));
    client.on('undelivered', (messages) => this.undelivered.push(...messages));
    client.on('close', (info) => {
      this.closed = info;
    });
    return client;
  }

  protected platform(dial: Dial): Platform {
    return {
      name: 'test',
      dial,
      clock: this.clock,
      random: () => 0.5,
      lifecycle: { watch: () => () => {} },
      makeEndOfTurn: () => (call) => void this.#turn.push(call),
      report: () => {},
      acceptsNodeOptions: false,
    };
  }
}

/** The peer of the vectors announces no features, as one of an earlier version. */
const withoutFeatures: ChannelFeature = {
  ...(session() as ChannelFeature),
  makeChannel: (settings, platform) => (context) =>
    new SessionChannel(context, new ClientHandshake(settings.protocols), sessionSettings(resolveSession({}), settings), platform),
};

class ClientSide extends Side {
  readonly client: Client;

  constructor() {
    super();
    const platform = this.platform((request, events) => {
      expect(request.protocols).toEqual(['gem.1', 'chat']);
      const end = new CableEnd('gem.1');
      end.events = events;
      this.ends.push(end);
      return end;
    });
    const options = { session: withoutFeatures, protocols: ['chat'], maxMessageBytes: 16_777_216, liveness: false as const };
    this.client = this.watch(new Client(clientParts(platform, 'ws://test', 'insecure', options)));
  }

  open(): void {
    if (this.ends.length === 0) this.client.connect().catch(() => {});
    else this.clock.pass(30_000, () => this.settle());
    this.ends.at(-1)?.events?.opened();
  }
}

class ServerSide extends Side {
  client!: TestServerClient;
  readonly #acceptor: SessionAcceptor<TestServerClient, undefined>;

  constructor() {
    super();
    const settings = resolveOptions({ maxMessageBytes: 65_536, liveness: false });
    const registry = new SessionRegistry<never>(countingSecrets(), this.clock, registryDefaults);
    const ours = sessionSettings(resolveSession({ windowBytes: 262_144 }), settings);
    this.#acceptor = new SessionAcceptor(
      this.platform(unreachable),
      registry,
      { session: ours, resumeWindowMs: 120_000, handshakeTimeoutMs: 10_000 },
      {
        enter: (makeChannel) => {
          this.client = new TestServerClient(this.platform(unreachable), settings, makeChannel);
          this.watch(this.client);
          return this.client;
        },
        mayResume: () => true,
        choose: (protocols) => protocols[0] ?? '',
      },
    );
  }

  open(): void {
    const end = new CableEnd('gem.1');
    this.ends.push(end);
    this.#acceptor.accept(end as CableEnd & AcceptedTransport, undefined);
  }
}

function play(side: Side, step: Step): void {
  const end = step.wire === undefined ? side.ends.at(-1) : side.ends[step.wire - 1];
  if (step.open) side.open();
  if (step.theirs !== undefined) end?.events?.received(bytesOf(step.theirs), 0);
  if (step.break) end?.lose();
  for (const message of step.send ?? []) {
    if (typeof message === 'string') side.client.sendMessage(message);
    else side.client.sendMessageBinary(bytesOf(message.hex));
  }
  if (step.close !== undefined) void side.client.close(step.close.code, step.close.reason);
  side.settle();
  check(side, step, end);
}

function check(side: Side, step: Step, end: CableEnd | undefined): void {
  if (step.ours !== undefined) expect(side.said()).toBe(hexOf(bytesOf(step.ours)));
  if (step.reads !== undefined) expect(readAll(side.client)).toEqual(step.reads.map(messageOf));
  if (step.undelivered !== undefined) expect(side.undelivered.splice(0)).toEqual(step.undelivered.map(messageOf));
  if (step.receipt !== undefined) expect(side.receipts.shift()).toMatchObject(step.receipt);
  if (step.closes !== undefined) expect(end?.closedWith).toMatchObject({ code: step.closes });
  if (step.closed !== undefined) expect(side.closed).toMatchObject(step.closed);
}

function messageOf(message: VectorMessage): Message {
  return typeof message === 'string' ? message : bytesOf(message.hex);
}

function withoutPings(batch: Uint8Array): string {
  const records = new RecordReader(batch);
  let hex = '';
  for (let from = 0; records.next(); from = records.end) {
    if (records.kind !== Kind.ping) hex += hexOf(batch.subarray(from, records.end));
  }
  return hex;
}

function unreachable(): never {
  throw new Error('Nothing is dialled here.');
}

describe('dialogues.json', () => {
  it.each(vectors<Dialogue>('dialogues'))('$role: $name', ({ role, steps }) => {
    const side = role === 'client' ? new ClientSide() : new ServerSide();
    for (const step of steps) play(side, step);
  });
});
