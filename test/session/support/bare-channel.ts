import type { ChannelContext } from '../../../src/core/channel.js';
import type { Platform } from '../../../src/core/platform.js';
import type { Message } from '../../../src/core/types.js';
import { encodeControl } from '../../../src/session/controls.js';
import { ClientHandshake } from '../../../src/session/handshake.js';
import { ServerChannel } from '../../../src/session/server-session.js';
import type { SessionSettings } from '../../../src/session/session-channel.js';
import { CableEnd } from './cable.js';
import { FakeClock } from './fake-clock.js';

const settings: SessionSettings = {
  ackDelayMs: 25,
  batchDelayMs: 0,
  windowBytes: 4_096,
  replayBytes: 16_384,
  chunkBytes: 1_024,
  transportMarkBytes: 65_536,
  maxMessageBytes: 8_192,
  outbox: { highWaterBytes: 8_192, maxBytes: 32_768 },
};

/** A client's link by itself, past its handshake: what a fuzzer can call a million times. */
export class BareChannel {
  readonly clock = new FakeClock();
  readonly end = new CableEnd('gem.1');
  readonly messages: Message[] = [];
  readonly failures: number[] = [];
  readonly endings: number[] = [];
  readonly channel: ServerChannel;
  unreadBytes = 0;
  readonly #turn: (() => void)[] = [];

  constructor(overrides: Partial<SessionSettings> = {}) {
    const platform = { clock: this.clock, makeEndOfTurn: () => (call: () => void) => this.#turn.push(call) } as unknown as Platform;
    this.channel = new ServerChannel(this.#context(), new ClientHandshake([]), { ...settings, ...overrides }, platform);
    this.channel.attach(this.end);
    const token = new Uint8Array(16);
    this.receive(
      encodeControl({
        is: 'welcome',
        id: token,
        secret: token,
        initialCredit: 4_096,
        maxMessageBytes: 16_384,
        resumeWindowMs: 1,
        outcome: 0,
        lost: undefined,
        protocol: '',
      }),
    );
    this.end.sent.length = 0;
  }

  receive(batch: Uint8Array): void {
    this.channel.received(batch);
    this.endTurn();
  }

  endTurn(): void {
    for (const call of this.#turn.splice(0)) call();
  }

  #context(): ChannelContext {
    const sink: ChannelContext['sink'] = {
      deliver: (message, bytes) => {
        this.messages.push(message);
        this.unreadBytes += bytes;
      },
      sent() {},
      shed() {},
      drained() {},
      measured() {},
    };
    const control: ChannelContext['control'] = {
      ready() {},
      pong() {},
      undelivered() {},
      terminate: ({ code }) => this.#over(this.failures, code),
      retryAfter() {},
      ended: ({ code }) => this.#over(this.endings, code),
      fail: (code) => this.#over(this.failures, code),
    };
    return { sink, control };
  }

  #over(list: number[], code: number): void {
    list.push(code);
    this.channel.detach();
  }
}
