import { RequestBus } from '../bus/request-bus.js';
import { Client } from '../core/client.js';
import { type ClientParts, clientParts } from '../core/client-parts.js';
import type { ClientOptions, ConnectOptions } from '../core/options.js';
import type { Address, IWebsocketClient, WebsocketType } from '../core/types.js';
import { nodePlatform, shareSignal } from '../platform/node/platform.js';

export { closeOnSignals } from '../platform/node/process-life.js';
export * from './common.js';

// Node: ws, through isomorphic-ws.

/** One connection over wss, held directly. Start it with `connect()`. */
export class SecureWebsocketClient extends Client {
  /** @throws {WebsocketError} `INVALID_ADDRESS`, `INSECURE_ADDRESS`, `INVALID_OPTION`, `UNSUPPORTED`, at the call. */
  constructor(address: Address, options?: ClientOptions) {
    super(parts(address, 'secure', options));
  }
}

/** One connection over ws, or wss where the address says so, held directly. Start it with `connect()`. */
export class WebsocketClient extends Client {
  /** @throws {WebsocketError} `INVALID_ADDRESS`, `INVALID_OPTION`, `UNSUPPORTED`, at the call. */
  constructor(address: Address, options?: ClientOptions) {
    super(parts(address, 'insecure', options));
  }
}

/**
 * Opens a connection.
 *
 * @param options those of a client, and `type`: `'secure'` by default, `'insecure'` for ws.
 * @throws {WebsocketError} (rejects) `INVALID_ADDRESS`, `INSECURE_ADDRESS`, `INVALID_OPTION`, `UNSUPPORTED`, `CONNECT_FAILED`,
 * `CONNECT_TIMEOUT`, `ABORTED`; `NOT_OPEN` where the connection was closed before it opened.
 */
export async function connect(address: Address, options: ConnectOptions = {}): Promise<IWebsocketClient> {
  const client = new Client(parts(address, options?.type ?? 'secure', options));
  await client.connect();
  return client;
}

/** The request bus: many connections, addressed by the client or its id from anywhere in the program. */
export class WebsocketRequestBus extends RequestBus {
  constructor() {
    super((address, type, options, onFinished) => new Client({ ...parts(address, type, options, true), onFinished }), nodePlatform.report);
  }
}

function parts(address: Address, type: WebsocketType, options?: ClientOptions, isOnBus?: boolean): ClientParts {
  shareSignal(options?.signal);
  return clientParts(nodePlatform, address, type, options, isOnBus);
}
