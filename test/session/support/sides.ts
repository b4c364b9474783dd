import { expect } from 'vitest';
import { Client } from '../../../src/core/client.js';
import { type ChannelFeature, clientParts } from '../../../src/core/client-parts.js';
import { resolveOptions } from '../../../src/core/options.js';
import type { Platform } from '../../../src/core/platform.js';
import type { AcceptedTransport, Dial } from '../../../src/core/transport.js';
import type { CloseInfo, Continuity, Message } from '../../../src/core/types.js';
import { SessionAcceptor } from '../../../src/session/acceptor.js';
import { RecordReader } from '../../../src/session/codec.js';
import { resolveSession, session, sessionSettings } from '../../../src/session/feature.js';
import { ClientHandshake } from '../../../src/session/handshake.js';
import { SessionRegistry } from '../../../src/session/registry.js';
import type { ServerChannelSettings } from '../../../src/session/server-session.js';
import { SessionChannel } from '../../../src/session/session-channel.js';
import { TestServerClient } from '../../support/server-client.js';
import { CableEnd } from './cable.js';
import { FakeClock } from './fake-clock.js';
import { hexOf } from './vectors.js';
import { countingSecrets, registryDefaults } from './world.js';

/** One side of a session; the vector plays the other. */
export abstract class Side {
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

  /** Bytes of all records since the last time, except those of some kinds. */
  said(except: readonly number[]): string {
    const batches = this.ends.flatMap(({ sent }) => sent) as Uint8Array[];
    const fresh = batches.slice(this.#heard);
    this.#heard = batches.length;
    return fresh.map((batch) => without(batch, except)).join('');
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

/** A client that announces these features; without them, one of an earlier version. */
const featureOf = (features?: number): ChannelFeature => ({
  ...(session() as ChannelFeature),
  makeChannel: (settings, platform) => {
    const own = { ...sessionSettings(resolveSession({}), settings), ...(features === undefined ? {} : { features }) };
    return (context) => new SessionChannel(context, new ClientHandshake(settings.protocols), own, platform);
  },
});

export class ClientSide extends Side {
  readonly client: Client;

  constructor(features?: number) {
    super();
    const platform = this.platform((request, events) => {
      expect(request.protocols).toEqual(['gem.1', 'chat']);
      const end = new CableEnd('gem.1');
      end.events = events;
      this.ends.push(end);
      return end;
    });
    const options = { session: featureOf(features), protocols: ['chat'], maxMessageBytes: 16_777_216, liveness: false as const };
    this.client = this.watch(new Client(clientParts(platform, 'ws://test', 'insecure', options)));
  }

  open(): void {
    if (this.ends.length === 0) this.client.connect().catch(() => {});
    else this.clock.pass(30_000, () => this.settle());
    this.ends.at(-1)?.events?.opened();
  }
}

export class ServerSide extends Side {
  client!: TestServerClient;
  readonly #acceptor: SessionAcceptor<TestServerClient, undefined>;

  /** @param extensions that it serves; without them, it is one of an earlier version. */
  constructor(extensions: Pick<ServerChannelSettings, 'features' | 'extend'> = {}) {
    super();
    const settings = resolveOptions({ maxMessageBytes: 65_536, liveness: false });
    const registry = new SessionRegistry<never>(countingSecrets(), this.clock, registryDefaults);
    const ours = { ...sessionSettings(resolveSession({ windowBytes: 262_144 }), settings), ...extensions };
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

/** The records of a batch, except those of some kinds, in hexadecimal. */
export function without(batch: Uint8Array, except: readonly number[]): string {
  const records = new RecordReader(batch);
  let hex = '';
  for (let from = 0; records.next(); from = records.end) {
    if (!except.includes(records.kind)) hex += hexOf(batch.subarray(from, records.end));
  }
  return hex;
}

function unreachable(): never {
  throw new Error('Nothing is dialled here.');
}
