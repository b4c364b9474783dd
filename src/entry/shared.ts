import { RequestBus } from '../bus/request-bus.js';
import { Client } from '../core/client.js';
import { type ChannelFeature, type ClientParts, clientParts } from '../core/client-parts.js';
import { checkNames, checkObject, invalid } from '../core/option-checks.js';
import type { ClientOptions, ConnectOptions } from '../core/options.js';
import type { Platform } from '../core/platform.js';
import type { Address, IWebsocketClient, OnMessage, WebsocketType } from '../core/types.js';
import { browserPlatform } from '../platform/browser/platform.js';
import { Hub } from '../shared/hub.js';
import { OneTabRelay } from '../shared/one-tab-relay.js';
import { localPorts, type PortLike, webLocks } from '../shared/port.js';
import { shareKey } from '../shared/posts.js';
import { TabConnection } from '../shared/tab-connection.js';

export * from './common.js';

// Pages that share their connections with the other tabs of their site, through a SharedWorker.

/** The options of a connection that tabs share. */
export interface SharedOptions {
  /**
   * Names the connection, in place of its address: tabs with the same name and the same options share it. Required to
   * share a connection whose address is a function: without a name it is not shared. Include in it each value that makes
   * two connections different, such as the user's id.
   */
  key?: string | undefined;
  /**
   * The script of the worker, `gemsocket/shared-worker`, on this site; or a function that makes the worker. By
   * default the file beside this module, which bundlers find by themselves.
   */
  worker?: string | URL | (() => SharedWorker) | undefined;
}

/** The options of a client, and those of sharing. */
export interface SharedClientOptions extends ClientOptions {
  /** How the connection is shared; by its address by default. */
  shared?: SharedOptions | undefined;
}

const sharedPlatform: Platform = { ...browserPlatform, otherOptions: { shared: () => undefined } };

/**
 * Workers with the same script and name are the same worker. The number is the version of the posts
 * between tab and worker, so that a page with another version of this library gets a worker of its own.
 */
const WORKER_NAME = 'gemsocket-5';

/** One connection over wss, shared with the other tabs, held directly. Start it with `connect()`. */
export class SecureWebsocketClient extends Client {
  /** @throws {WebsocketError} `INVALID_ADDRESS`, `INSECURE_ADDRESS`, `INVALID_OPTION`, `UNSUPPORTED`, at the call. */
  constructor(address: Address, options?: SharedClientOptions) {
    super(sharedParts(address, 'secure', options));
  }
}

/** One connection over ws, or wss where the address says so, shared with the other tabs. Start it with `connect()`. */
export class WebsocketClient extends Client {
  /** @throws {WebsocketError} `INVALID_ADDRESS`, `INVALID_OPTION`, `UNSUPPORTED`, at the call. */
  constructor(address: Address, options?: SharedClientOptions) {
    super(sharedParts(address, 'insecure', options));
  }
}

/**
 * Opens a connection, or joins the one that another tab has opened.
 *
 * @param options those of a client, `shared`, and `type`: `'secure'` by default, `'insecure'` for ws.
 * @throws {WebsocketError} (rejects) `INVALID_ADDRESS`, `INSECURE_ADDRESS`, `INVALID_OPTION`, `UNSUPPORTED`, `CONNECT_FAILED`,
 * `CONNECT_TIMEOUT`, `ABORTED`; `NOT_OPEN` where the connection was closed before it opened.
 */
export async function connect(address: Address, options: SharedClientOptions & ConnectOptions = {}): Promise<IWebsocketClient> {
  const client = new Client(sharedParts(address, options?.type ?? 'secure', options));
  await client.connect();
  return client;
}

/** The request bus: many connections, each shared with the other tabs, addressed by the client or its id. */
export class WebsocketRequestBus extends RequestBus {
  readonly #shared: SharedOptions | undefined;

  /** @param shared the default for every client of the bus. */
  constructor(shared?: SharedOptions) {
    super(sharedParts, browserPlatform.report);
    this.#shared = checkShared(shared);
  }

  override createClient(
    address: Address,
    onMessage?: OnMessage,
    type?: WebsocketType,
    options: SharedClientOptions = {},
  ): IWebsocketClient {
    checkObject('options', options);
    const shared = { ...this.#shared, ...checkShared(options.shared) };
    return super.createClient(address, onMessage, type, { ...options, shared } as ClientOptions);
  }
}

function sharedParts(address: Address, type: WebsocketType, options: SharedClientOptions = {}, isOnBus = false): ClientParts {
  const parts = clientParts(sharedPlatform, address, type, options, isOnBus);
  const feature = options.session as ChannelFeature | undefined;
  const { key, worker } = checkShared(options.shared);
  const fixed = typeof address === 'function' ? undefined : (parts.target() as URL).href;
  const { locks } = navigator;
  return {
    ...parts,
    makeConnection: (events) =>
      new TabConnection(
        {
          ...parts,
          key: shareKey(key, fixed, parts.settings, feature?.options),
          address: fixed,
          session: feature?.options,
          locks: locks === undefined ? undefined : webLocks(locks),
          watchVisibility,
          openWorker: (failed) => (locks === undefined ? undefined : openWorker(worker, failed)),
          openLocal: () => openLocal(feature as ChannelFeature),
        },
        events,
      ),
  };
}

/** The options, checked. */
function checkShared(shared: SharedOptions = {}): SharedOptions {
  checkObject('shared', shared);
  const { key, worker } = shared;
  checkNames(shared, { key, worker }, 'shared.');
  if (key !== undefined && (typeof key !== 'string' || key === '')) throw invalid('shared.key', key);
  if (worker !== undefined && !(typeof worker === 'string' || typeof worker === 'function' || worker instanceof URL)) {
    throw invalid('shared.worker', worker);
  }
  return shared;
}

function watchVisibility(report: (isVisible: boolean) => void): () => void {
  const changed = () => report(browserPlatform.lifecycle.isVisible?.() === true);
  changed();
  addEventListener('visibilitychange', changed);
  return () => removeEventListener('visibilitychange', changed);
}

/** Undefined if there is no shared worker, or none can be made from that address. */
function openWorker(worker: SharedOptions['worker'], failed: () => void): PortLike | undefined {
  if (!('SharedWorker' in globalThis)) return undefined;
  try {
    const made = makeWorker(worker);
    made.addEventListener('error', failed);
    return made.port as unknown as PortLike;
  } catch {
    return undefined;
  }
}

function makeWorker(worker: SharedOptions['worker']): SharedWorker {
  if (typeof worker === 'function') return worker();
  if (worker !== undefined) return new SharedWorker(worker, { name: WORKER_NAME });
  // Bundlers recognise exactly this expression, with a literal name.
  return new SharedWorker(new URL('./shared-worker.js', import.meta.url), { name: 'gemsocket-5' });
}

/** A hub for this client alone. Only the number of sockets differs. */
function openLocal(feature: ChannelFeature): PortLike {
  const [tab, port] = localPorts();
  const makeRelay = (client: Client) => client.extension('records', (records) => new OneTabRelay(records));
  new Hub({ platform: browserPlatform, locks: undefined, makeSession: () => feature, makeRelay }).accept(port);
  return tab;
}
