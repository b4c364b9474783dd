import type { ChannelFeature, ChannelOptions } from '../core/client-parts.js';
import { between, group, invalid, type Rule } from '../core/option-checks.js';
import type { Settings } from '../core/options.js';
import { TRANSPORT_MARK_BYTES } from '../core/plain-channel.js';
import type { Dial } from '../core/transport.js';
import type { SessionFeature } from '../core/types.js';
import * as SessionCloseCode from './close-code.js';
import { FEATURE_TOPICS, MAX_BODY_BYTES, SESSION_PROTOCOL } from './codec.js';
import { MAX_PROTOCOL_BYTES, MAX_PROTOCOLS, MIN_MESSAGE_BYTES } from './controls.js';
import { MIN_WINDOW_BYTES } from './credit.js';
import { ClientHandshake } from './handshake.js';
import { SessionChannel, type SessionSettings, unsupported } from './session-channel.js';

/** One second. A message should wait longer in the application only, which can still change it. */
const MAX_BATCH_DELAY_MS = 1_000;

/** The handshake announces bounds as numbers, and has no infinity. */
const MAX_COUNT = 2 ** 48;

/** The options of a session. */
export interface SessionOptions {
  /**
   * Milliseconds that an acknowledgement may wait to be sent with other records.
   *
   * @defaultValue 25: a person does not notice them, and 40 acknowledgements a second cost next to nothing.
   */
  ackDelayMs?: number | undefined;
  /**
   * Milliseconds, up to 1,000, that a message waits to be batched with later ones; with 0, until the turn of the event loop ends.
   *
   * More means fewer batches for an application that sends from many turns. A hidden page, whose timers are throttled, waits longer.
   *
   * @defaultValue 0: a single message should not wait.
   */
  batchDelayMs?: number | undefined;
  /**
   * Receive window: bytes that may be unread before the sender has to wait. Each message counts 32 more than its size. At least 32 KiB,
   * so that a record always fits.
   *
   * @defaultValue 1 MiB: 80 Mbit/s over a round trip of 100 ms.
   */
  windowBytes?: number | undefined;
  /**
   * Bytes that may be sent and not acknowledged. Each batch counts 160 more than its size. Beyond them, messages wait in the outbox.
   *
   * @defaultValue 4 MiB: four windows, so that it does not slow a sender whose reader keeps up.
   */
  replayBytes?: number | undefined;
}

export const sessionDefaults = {
  ackDelayMs: 25,
  batchDelayMs: 0,
  windowBytes: 1024 * 1024,
  replayBytes: 4 * 1024 * 1024,
} as const;

/**
 * Speaks gem.1 with a gemsocket server: batched, flow-controlled, lossless across reconnects. For the option `session`
 * of a client. A server that does not speak it refuses the connection (`UNSUPPORTED`, or in a browser `CONNECT_FAILED`).
 *
 * @throws {WebsocketError} `INVALID_OPTION`, here for these options, and where the client is made for `protocols` that a
 * handshake does not hold (docs/protocol.md, section 4).
 */
export function session(options: SessionOptions = {}): SessionFeature {
  const resolved = resolveSession(options);
  const feature: ChannelFeature = {
    name: SESSION_PROTOCOL,
    options: resolved,
    makeChannel: (settings, platform) => {
      checkOffer(settings.protocols);
      const announced = { ...sessionSettings(resolved, settings), features: FEATURE_TOPICS };
      return (context) => new SessionChannel(context, new ClientHandshake(settings.protocols), announced, platform);
    },
    wrap: recognising,
  };
  return feature;
}

/** A transport whose selected subprotocol was not offered ends before the channel has it. For a session this is final. */
function recognising(dial: Dial): Dial {
  return (request, events) =>
    dial(request, {
      ...events,
      closed: (info, error) => {
        const protocol = error?.context.protocol;
        if (typeof protocol !== 'string') events.closed(info, error);
        else events.closed({ ...info, code: SessionCloseCode.unsupported }, unsupported(protocol));
      },
    });
}

/** Refuses subprotocols that a handshake cannot hold at the call. They are ASCII, so a character is a byte. */
function checkOffer(protocols: readonly string[]): void {
  const fits = protocols.length <= MAX_PROTOCOLS && protocols.every((name) => name.length <= MAX_PROTOCOL_BYTES);
  if (fits && !protocols.includes(SESSION_PROTOCOL)) return;
  throw invalid('protocols', protocols);
}

/** The rules of the options of a session, with the defaults of one side. */
export function sessionRules<Defaults extends ChannelOptions>(defaults: Defaults) {
  const window = between(MIN_WINDOW_BYTES, Number.POSITIVE_INFINITY, defaults.windowBytes);
  const windowBytes: Rule<number> = (option, value, before) => Math.min(Math.floor(window(option, value, before)), MAX_COUNT);
  return { ...defaults, batchDelayMs: between(0, MAX_BATCH_DELAY_MS, defaults.batchDelayMs), windowBytes };
}

export function resolveSession(options: SessionOptions): ChannelOptions {
  return group(sessionRules(sessionDefaults))('session', options, {});
}

export function sessionSettings(options: ChannelOptions, settings: Settings): SessionSettings {
  return {
    ...options,
    outbox: settings.outbox,
    maxMessageBytes: Math.max(MIN_MESSAGE_BYTES, Math.min(Math.floor(settings.maxMessageBytes), MAX_COUNT)),
    chunkBytes: MAX_BODY_BYTES,
    transportMarkBytes: TRANSPORT_MARK_BYTES,
  };
}
