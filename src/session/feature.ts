import type { ChannelFeature, ChannelOptions } from '../core/client-parts.js';
import { group, invalid, positive, type Rule } from '../core/option-checks.js';
import type { Settings } from '../core/options.js';
import { TRANSPORT_MARK_BYTES } from '../core/plain-channel.js';
import type { Dial } from '../core/transport.js';
import type { SessionFeature } from '../core/types.js';
import * as SessionCloseCode from './close-code.js';
import { MAX_BODY_BYTES, SESSION_PROTOCOL } from './codec.js';
import { MAX_PROTOCOL_BYTES, MAX_PROTOCOLS, MIN_MESSAGE_BYTES } from './controls.js';
import { MIN_WINDOW_BYTES } from './credit.js';
import { ClientHandshake } from './handshake.js';
import { SessionChannel, type SessionSettings, unsupported } from './session-channel.js';

/** A second: a message that waits longer should wait in the application, which can still change it. */
const MAX_BATCH_DELAY_MS = 1_000;

/** Bounds are numbers of the handshake, which has no infinity. */
const MAX_COUNT = 2 ** 48;

/** The options of a session. */
export interface SessionOptions {
  /** Milliseconds that an acknowledgement may wait to be sent with other records. 25 by default: 40 a second cost next to nothing. */
  ackDelayMs?: number | undefined;
  /**
   * Milliseconds that a message waits to be batched with later ones. 0 by default: it is sent at the end of the turn of the event
   * loop. More means fewer batches for an application that sends from many turns. 1,000 at the most; longer in a hidden page, whose
   * timers are throttled.
   */
  batchDelayMs?: number | undefined;
  /**
   * Receive window: bytes that may be unread before the sender has to wait, each message counting 32 more than it has. 1 MiB by
   * default, 80 Mbit/s over a round trip of 100 ms; 32 KiB at the least, so that a record always fits.
   */
  windowBytes?: number | undefined;
  /**
   * Bytes that may be in flight, sent and not acknowledged, each batch counting 160 more than it has. Beyond that, messages wait in
   * the outbox. 4 MiB by default, so that it does not slow a sender whose reader keeps up.
   */
  replayBytes?: number | undefined;
}

export const sessionDefaults = {
  /** Too short for a person to notice, and 40 a second cost next to nothing. */
  ackDelayMs: 25,
  /** A lone message should not wait. */
  batchDelayMs: 0,
  /** 80 Mbit/s over a round trip of 100 ms; a reader that stops costs no more memory than this. */
  windowBytes: 1024 * 1024,
  /** Four windows, so that it does not slow a sender whose reader keeps up. */
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
      return (context) =>
        new SessionChannel(context, new ClientHandshake(settings.protocols), sessionSettings(resolved, settings), platform);
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

export function resolveSession(options: SessionOptions, defaults: ChannelOptions = sessionDefaults): ChannelOptions {
  const windowBytes: Rule<number> = (option, value) => {
    const bytes = positive(option, value, defaults.windowBytes);
    if (bytes < MIN_WINDOW_BYTES) throw invalid(option, bytes, { min: MIN_WINDOW_BYTES });
    return Math.min(Math.floor(bytes), MAX_COUNT);
  };
  const batchDelayMs: Rule<number> = (option, value = defaults.batchDelayMs) => {
    if (typeof value === 'number' && value >= 0 && value <= MAX_BATCH_DELAY_MS) return value;
    throw invalid(option, value, { min: 0, max: MAX_BATCH_DELAY_MS });
  };
  return group({ ...defaults, batchDelayMs, windowBytes })('session', options, {});
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
