import type { IWebsocketClient } from './types.js';

/** A record that is encoded once for many sessions, header included. Its bytes never change, and `slab` ends with it. */
export interface SharedRecord {
  readonly kind: number;
  readonly slab: Uint8Array<ArrayBuffer>;
  readonly start: number;
}

/** A part of a session beside its messages, such as topics, with records of its own. */
export interface Extension {
  /** Whether every record that must be sent before the connection is closed has been written. */
  readonly isIdle: boolean;
  /**
   * Takes a record that is no message, and ignores those of other extensions. The bytes are valid during the call only.
   *
   * @returns how the record violates the protocol.
   */
  receive(kind: number, bytes: Uint8Array, start: number, end: number): string | undefined;
  /** Records may flow: in the session of before, or in a new one, of which the extension's peer knows nothing. */
  opened(isResumed: boolean): void;
  /** The transport is gone. */
  detached(): void;
  /** The connection is closed for good. */
  ended(): void;
  /** There is room: writes one record with `RecordPort.write`. False if none waits, or it has to wait longer. */
  pump(): boolean;
}

/** The session, as an extension sees it. */
export interface RecordPort {
  /** Whether records may flow. */
  readonly isOpen: boolean;
  /** The features that the peer of this session announced, as bits. */
  readonly features: number;
  /** Largest body that the peer receives. */
  readonly maxBodyBytes: number;
  /** Bytes that may wait for the peer, as in `outbox.maxBytes`. */
  readonly maxBytes: number;
  /**
   * Writes a record into the open batch. False if it has to wait: `pump` is called when there is room.
   *
   * @param body does not change any more.
   * @param shared the whole record, if many sessions send it.
   */
  write(kind: number, body: Uint8Array<ArrayBuffer>, shared?: SharedRecord): boolean;
  /** Asks for calls of `pump`. */
  due(): void;
  /** The peer has less credit until the bytes of a record that it sent are released. */
  hold(bytes: number): void;
  release(bytes: number): void;
}

/** The part of a client on which extensions are built. Clients that are plain have no extensions. */
export interface ExtensibleClient extends IWebsocketClient {
  /** The extension of this name, made the first time. */
  extension<E extends Extension>(name: string, make: (port: RecordPort) => E): E | undefined;
  /** Reports that a function of the application threw. */
  handlerFailed(cause: unknown, handler: string): void;
}

/** A tab that shares a session with others, for the extensions of that session. */
export interface RelayedTab {
  /** Posts a record to the tab. */
  record(kind: number, body: Uint8Array<ArrayBuffer>): void;
}

/** Carries the records of an extension between tabs and the session that they share. */
export interface RecordRelay {
  readonly features: number;
  readonly maxBodyBytes: number;
  /** A record of a tab. */
  fromTab(tab: RelayedTab, kind: number, body: Uint8Array<ArrayBuffer>): void;
  /** The tab has left: its requests end. */
  left(tab: RelayedTab): void;
}
