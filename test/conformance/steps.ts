/** What the test server can be told to do on a connection: in its address (`open`), by message (`/steps`), or by fetch (`/do`). */
export type Step =
  | { readonly text: string }
  /** A binary message, in hexadecimal. */
  | { readonly hex: string }
  /** Binary messages of this many bytes (0, 1, 2 … 255, 0 …); written as fast as the socket takes them. */
  | { readonly flood: { readonly bytes: number; readonly times: number } }
  /** The flood ends after the message at hand, and this text comes after it. */
  | { readonly endFlood: string }
  /** One text message in so many frames. */
  | { readonly fragments: readonly string[] }
  /** Bytes straight onto the socket, in hexadecimal: frames that no well-behaved server sends. */
  | { readonly raw: string }
  | { readonly ping: string }
  /** Without a code the close frame is empty. */
  | { readonly close: readonly [code?: number, reason?: string] }
  /** The socket ends without a close frame: by FIN or by RST. */
  | { readonly drop: 'end' | 'reset' }
  /** Reads no more, so it answers neither pings nor the close frame, and says nothing: a link that went dark. */
  | { readonly silence: boolean };

/** What the server saw of one connection. */
export interface Seen {
  readonly protocols: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly url: string;
  /** `text …`, `binary hex…`, and for what is longer than 64 bytes only the kind and the size. */
  readonly messages: readonly string[];
  readonly pings: number;
  readonly pongs: number;
  /** Messages of `flood` that the socket has taken. */
  readonly flooded: number;
  readonly closed?: { readonly code: number; readonly reason: string };
}

/** What the server saw under one key. */
export interface Log {
  /** Handshakes begun, the refused ones among them. */
  readonly attempts: number;
  readonly connections: readonly Seen[];
}

/** What to wait for before a log is sent; each is a count over all connections of the key. */
export interface Awaited {
  readonly attempts?: number;
  readonly connections?: number;
  readonly closed?: number;
  readonly messages?: number;
  readonly flooded?: number;
  readonly pongs?: number;
}

/** Where the server can be reached, and where nobody can. */
export interface ServerInfo {
  readonly port: number;
  readonly securePort: number;
  /** Nobody listens there. */
  readonly closedPort: number;
  /** Self-signed, in PEM. */
  readonly certificate: string;
}
