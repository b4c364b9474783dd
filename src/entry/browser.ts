import { RequestBus } from '../bus/request-bus.js';
import { Client } from '../core/client.js';
import { clientParts } from '../core/client-parts.js';
import type { ClientOptions, ConnectOptions } from '../core/options.js';
import type { Address, IWebsocketClient } from '../core/types.js';
import { browserPlatform } from '../platform/browser/platform.js';

export * from './common.js';

// The entry for pages and their workers: the native WebSocket, and no import from another package at run time.

/** One connection over wss, held directly. Start it with `connect()`. */
export class SecureWebsocketClient extends Client {
  /** @throws {WebsocketError} `INVALID_ADDRESS`, `INSECURE_ADDRESS`, `INVALID_OPTION`, `UNSUPPORTED`, at the call. */
  constructor(address: Address, options?: ClientOptions) {
    super(clientParts(browserPlatform, address, 'secure', options));
  }
}

/** One connection over ws, or over wss if the address starts with it, held directly. Start it with `connect()`. */
export class WebsocketClient extends Client {
  /** @throws {WebsocketError} `INVALID_ADDRESS`, `INVALID_OPTION`, `UNSUPPORTED`, at the call. */
  constructor(address: Address, options?: ClientOptions) {
    super(clientParts(browserPlatform, address, 'insecure', options));
  }
}

/**
 * Opens a connection.
 *
 * @param options the options of a client, and `type`: `'secure'` by default, `'insecure'` for ws.
 * @throws {WebsocketError} (rejects) `INVALID_ADDRESS`, `INSECURE_ADDRESS`, `INVALID_OPTION`, `UNSUPPORTED`, `CONNECT_FAILED`,
 * `CONNECT_TIMEOUT`, `ABORTED`; `NOT_OPEN` if the connection was closed before it opened.
 */
export async function connect(address: Address, options: ConnectOptions = {}): Promise<IWebsocketClient> {
  const client = new Client(clientParts(browserPlatform, address, options?.type ?? 'secure', options));
  await client.connect();
  return client;
}

/** The request bus: many connections, addressed by the client or its id from anywhere in the program. */
export class WebsocketRequestBus extends RequestBus {
  constructor() {
    super((...asked) => clientParts(browserPlatform, ...asked), browserPlatform.report);
  }
}
