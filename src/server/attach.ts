import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { makeError } from '../core/errors.js';
import { resolveServerOptions, type ServerOptions } from './options.js';
import { UpgradeServer } from './server.js';
import type { WebsocketServer } from './types.js';

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Known to every copy of the library in the process, so that their listeners on one HTTP server agree. */
const mark = Symbol.for('gemsocket upgrade listener');

interface MarkedListener extends UpgradeListener {
  [mark]: (request: IncomingMessage) => boolean;
}

/**
 * A WebSocket server on an HTTP server that the application already has (Express, Fastify, Hono, …). It handles the
 * upgrades of its `path` and leaves the rest to other listeners; if there are none, it answers them with 404.
 * Close it before the HTTP server, which otherwise waits until the clients disconnect.
 *
 * @throws {WebsocketError} `INVALID_OPTION`, `UNSUPPORTED`.
 */
export function attach(httpServer: HttpServer | HttpsServer, options: ServerOptions = {}): WebsocketServer {
  checkAttachable(httpServer);
  const settings = resolveServerOptions(options);
  refuseTls(options);
  const server = new UpgradeServer(settings);
  const listener: MarkedListener = Object.assign(
    (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (ownerOf(httpServer, request) === listener) server.upgrade(request, socket, head);
    },
    { [mark]: (request: IncomingMessage) => server.serves(request) },
  );
  const close = () => void server.close();
  httpServer.on('upgrade', listener);
  httpServer.once('close', close);
  server.opened({
    get port() {
      return portOf(httpServer);
    },
    get isListening() {
      return httpServer.address() !== null;
    },
    shut() {
      httpServer.off('upgrade', listener);
      httpServer.off('close', close);
      return Promise.resolve();
    },
  });
  return server;
}

function checkAttachable(httpServer: HttpServer | HttpsServer): void {
  if (typeof httpServer?.on !== 'function' || typeof httpServer.address !== 'function') {
    throw makeError('INVALID_OPTION', { option: 'httpServer' });
  }
}

function refuseTls(options: ServerOptions): void {
  if (options.tls !== undefined) throw makeError('INVALID_OPTION', { option: 'tls' });
}

/**
 * The listener that handles a request: of the listeners of this library, the first that serves the path. If none does and there is no
 * listener of another library, the first one, which refuses the request.
 */
function ownerOf(httpServer: HttpServer | HttpsServer, request: IncomingMessage): UpgradeListener | undefined {
  const listeners = httpServer.listeners('upgrade') as (UpgradeListener | MarkedListener)[];
  const owner = listeners.find((listener) => mark in listener && listener[mark](request));
  return owner ?? (listeners.every((listener) => mark in listener) ? listeners[0] : undefined);
}

function portOf(httpServer: HttpServer | HttpsServer): number {
  const address = httpServer.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
