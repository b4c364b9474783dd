import type { Listeners } from './emitter.js';
import type { WebsocketError } from './errors.js';

/** `'secure'` (the default everywhere) dials wss, `'insecure'` dials ws. */
export type WebsocketType = 'secure' | 'insecure';

/** A text message is a string, a binary message is a Uint8Array over a buffer of its own. Nothing else ever arrives. */
export type Message = string | Uint8Array;

/** Called with every message, in order. An exception is reported as an `error` event; the connection continues. */
export type OnMessage = (message: Message, client: IWebsocketClient) => void;

/**
 * Where to connect: `host`, `host:port`, `host:port/path`, `ws://…`, `wss://…`, a URL, or a function that is
 * asked again before every attempt (so a token in it is fresh).
 */
export type Address = string | URL | (() => string | URL | Promise<string | URL>);

/** The result of a poll: a message, or, once and last, how the connection ended. */
export type Received =
  | {
      /** The next message, which is taken out of the inbox. */
      readonly message: Message;
    }
  | {
      /** The close code, as in `CloseInfo`. */
      readonly closeCode: number;
      /** The reason, as in `CloseInfo`. */
      readonly reason: string;
      /** Whether the closing handshake was completed. */
      readonly wasClean: boolean;
    };

/** The states of a client; `reconnecting` covers both the wait and the attempt. */
export type ConnectionState = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closing' | 'closed';

/** How a connection ended. Code 1006 and `wasClean: false` mean that no closing handshake took place (RFC 6455, 7.1.5). */
export interface CloseInfo {
  /** A close code of RFC 6455 (7.4) or of the application (3000-4999). 1005: the peer gave none. 1006: there was no close frame. */
  readonly code: number;
  /** At most 123 bytes of UTF-8 from the peer; with 1006 a sentence of this side, or ''. */
  readonly reason: string;
  /** Whether the closing handshake was completed. */
  readonly wasClean: boolean;
}

/** What a reconnect did to the messages in flight. In plain mode `lost` is undefined, because it cannot be known. */
export interface Continuity {
  /** Whether the session was resumed. Always false in plain mode. */
  readonly resumed: boolean;
  /** Messages that either side sent again, and that are not lost. */
  readonly replayed: number;
  /** Messages of both directions that were accepted and are not known to have arrived. Undefined if either direction is not known. */
  readonly lost: number | undefined;
  /** A sentence for a log: what happened to the session. */
  readonly reason: string;
  /** The peer's share of `lost`. Undefined if the peer cannot count it, as after its restart; `undelivered` has this side's messages. */
  readonly lostFromPeer?: number | undefined;
}

/**
 * - `'reliable'` (the default): kept until sent; with a session, until acknowledged.
 * - `'volatile'`: dropped if it cannot be sent at once (a position that the next one replaces); counted in `messagesShed`.
 * - `{ latest: key }`: while it is queued, a newer message with the same key replaces it.
 */
export type Delivery =
  | 'reliable'
  | 'volatile'
  | {
      /** The key. Messages with other keys, and those without one, are not replaced. */
      readonly latest: string;
    };

/** One attempt to reconnect, announced before its delay begins. */
export interface ReconnectAttempt {
  /** Counted from 1 since the connection last proved itself. */
  readonly attempt: number;
  /** Milliseconds until the attempt starts. */
  readonly delayMs: number;
  /** The WebsocketError or CloseInfo that made it necessary. */
  readonly cause: unknown;
}

/** The events of a client, and the functions that `on` takes for them. */
export interface ClientEvents {
  /** The first time that the connection opens. */
  open: () => void;
  /** Every message, in order, the queued ones first. A listener takes messages from polls, iteration and streams. */
  message: (message: Message) => void;
  /** The client disconnected, or an attempt failed, and another attempt follows. Messages sent meanwhile are queued. */
  reconnecting: (attempt: ReconnectAttempt) => void;
  /** After every reconnect, before the first message of the new connection. */
  reconnected: (continuity: Continuity) => void;
  /**
   * Messages of a lost session that the peer did not acknowledge, oldest first: they may or may not have arrived. After
   * `reconnected`, or before `close`. Never in plain mode, where it cannot be known.
   */
  undelivered: (messages: readonly Message[]) => void;
  /** Once: the connection is closed for good. Unread messages can still be read. */
  close: (info: CloseInfo) => void;
  /** An error that no rejection or close record reports: docs/errors.md lists the codes. The connection may continue. */
  error: (error: WebsocketError) => void;
  /** After every change, and before the event that goes with it. */
  state: (now: ConnectionState, before: ConnectionState) => void;
}

/** The events that `on` of a client takes. */
export const clientEvents: Listeners<ClientEvents> = {
  open: [],
  message: [],
  reconnecting: [],
  reconnected: [],
  undelivered: [],
  close: [],
  error: [],
  state: [],
};

/** Counters since the client was created; a copy of the current values. */
export interface ClientStats {
  /** Messages handed to the network, each once: a message that is sent again after a disconnect does not count again. */
  readonly messagesSent: number;
  /** Messages delivered to the inbox, read or not. */
  readonly messagesReceived: number;
  /** Bytes of payload sent: text in UTF-8, without headers of frames, batches or TLS. */
  readonly bytesSent: number;
  /** Bytes of payload received. */
  readonly bytesReceived: number;
  /** How often the client has reconnected. */
  readonly reconnects: number;
  /** Volatile messages dropped and latest messages replaced, as the sender chose. */
  readonly messagesShed: number;
  /** Round trip of the last ping that was answered, in milliseconds; undefined until measured, and in plain mode in a browser. */
  readonly rttMs: number | undefined;
}

/** The counters of a new client. */
export const noStats: ClientStats = {
  messagesSent: 0,
  messagesReceived: 0,
  bytesSent: 0,
  bytesReceived: 0,
  reconnects: 0,
  messagesShed: 0,
  rttMs: undefined,
};

/** Reads from the inbox. Its return value is how the connection ended, or undefined if the loop was left before. */
export interface MessageIterator<M = Message> extends AsyncIterator<M, CloseInfo | undefined> {
  [Symbol.asyncIterator](): MessageIterator<M>;
}

/** One connection, held directly: everything that the bus can do with it, without the look-up. */
export interface IWebsocketClient extends AsyncIterable<Message>, AsyncDisposable {
  /** Unique in this process or page. */
  readonly id: string;
  /** `'idle'` until `connect()`, `'closed'` for good. */
  readonly state: ConnectionState;
  /** The subprotocol that the server chose, or ''. */
  readonly protocol: string;
  /** Bytes accepted and not yet handed to the network; of thousands of tiny messages, the memory that they take. */
  readonly bufferedBytes: number;
  /** A copy of the counters: read it again for newer values. */
  readonly stats: ClientStats;
  /** True while messages can be sent at once. A half-open connection is detected: see `liveness`. */
  isConnectionOpen(): boolean;
  /**
   * Throws only for a reason that the caller could have known: nothing that the peer or the network does makes a send throw. While
   * connecting and reconnecting the message is queued in the outbox.
   *
   * @returns true while below the high-water mark; false asks the caller to await `drained()`. After the peer has closed for good, or
   * while the connection closes without the caller's `close()`, it returns false and the message is reported as `UNSENT`. With a session,
   * a message that is larger than the peer announced closes the connection with 1009 (`MESSAGE_TOO_BIG`), and it returns false, too.
   * @throws {WebsocketError} `NOT_OPEN` before `connect()` and after the caller's own `close()`; `OUTBOX_FULL` over `outbox.maxBytes`,
   * never on a server; `INVALID_MESSAGE` for a value that is not a string.
   */
  sendMessage(text: string, delivery?: Delivery): boolean;
  /**
   * As `sendMessage`, for bytes. They are copied: the caller may use the buffer again at once.
   *
   * @returns As `sendMessage`.
   * @throws {WebsocketError} As `sendMessage`; `INVALID_MESSAGE` for a value that is neither an ArrayBuffer nor a view of one.
   */
  sendMessageBinary(bytes: ArrayBuffer | ArrayBufferView, delivery?: Delivery): boolean;
  /**
   * Resolves when half of `outbox.highWaterBytes` or less is queued; rejects `NOT_OPEN` when the connection ends first or has ended. A
   * rejection that is not awaited is not an unhandled rejection.
   */
  drained(): Promise<void>;
  /** Never waits. Returns undefined if there is no message; the last result is how the connection ended. */
  getMessage(): Received | undefined;
  /** While reconnecting, starts the next attempt now instead of after its delay. In any other state it does nothing. */
  retryNow(): void;
  /**
   * Sends the accepted messages, then the closing handshake. Resolves when the connection is closed; safe to call twice.
   * Messages that arrive meanwhile can still be read, up to the bounds of the inbox; more are dropped.
   *
   * @param code 1000 (the default), another code that an endpoint may send, or 3000-4999 (RFC 6455, 7.4).
   * @param reason at most 123 bytes of UTF-8 (RFC 6455, 5.5).
   * @throws {WebsocketError} `INVALID_CLOSE`, at the call.
   */
  close(code?: number, reason?: string): Promise<CloseInfo>;
  /**
   * Calls the listener for every event of that name: see `ClientEvents`.
   *
   * @returns a function that removes the listener.
   */
  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void;
}

/** Made by `session()` of "gemsocket/session". */
export interface SessionFeature {
  /** The subprotocol that it offers. */
  readonly name: 'gem.1';
}

/** Made by `webSocketStream()` of "gemsocket/websocket-stream". */
export interface TransportFeature {
  /** What dials in place of the platform's WebSocket. */
  readonly name: 'WebSocketStream';
}
