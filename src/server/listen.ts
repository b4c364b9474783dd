import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { makeError } from '../core/errors.js';
import { invalid } from '../core/option-checks.js';
import { headersTooLarge, notHttp, tookTooLong } from './handshake-checks.js';
import { resolveServerOptions, type ServerOptions, type ServerSettings } from './options.js';
import { ignore } from './refusals.js';
import { type Listener, UpgradeServer } from './server.js';
import { onSocket } from './sockets.js';
import type { WebsocketServer } from './types.js';

/** Connections beyond `maxClients`: pending handshakes, refused clients that get an answer, closing sockets, and silent sockets. */
const SPARE_CONNECTIONS = 1_024;

/** Connections that wait to be accepted, as after a restart. Over Node's default of 511, TCP would delay the rest by a second or more. */
const BACKLOG = 4_096;

/**
 * A WebSocket server on a port of its own; with `tls`, a wss server.
 *
 * @param port 0 for any free port; `server.port` has its number.
 * @throws {WebsocketError} (rejects) `LISTEN_FAILED`, with the host, the port and the `systemCode`; `INVALID_OPTION`, `UNSUPPORTED`.
 */
export async function listen(host: string, port: number, options: ServerOptions = {}): Promise<WebsocketServer> {
  checkAddress(host, port);
  const settings = resolveServerOptions(options);
  checkTls(options.tls);
  const server = new UpgradeServer(settings);
  const http = makeHttpServer(options.tls, settings);
  const sockets = trackSockets(http);
  http.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Duplex) => server.expect(socket));
  http.on('upgrade', (request, socket, head) => server.upgrade(request, socket, head));
  http.on('clientError', (cause, socket) => refuseBroken(server, cause, socket));
  http.on('drop', (connection) => server.dropped(connection?.remoteAddress ?? ''));
  await bind(http, host, port);
  http.on('error', (cause) => server.failed(cause));
  server.opened(listenerOf(http, sockets));
  return server;
}

function checkAddress(host: unknown, port: unknown): void {
  if (typeof host !== 'string' || host === '') throw invalid('host', host);
  if (typeof port !== 'number') throw invalid('port', port);
}

/** Without a key and a certificate Node would listen, and every TLS handshake would fail. The error has no value, which may be a key. */
function checkTls(tls: ServerOptions['tls']): void {
  if (tls === undefined || (tls?.key && tls.cert)) return;
  throw makeError('INVALID_OPTION', { option: 'tls' });
}

function makeHttpServer(tls: ServerOptions['tls'], settings: ServerSettings): HttpServer {
  // The server has a deadline for every socket. Node checks its own timeouts every 30 s only.
  const timeouts = { headersTimeout: 0, requestTimeout: 0 };
  const http =
    tls === undefined
      ? createHttpServer(timeouts, upgradeRequired)
      : createTlsServer({ ...timeouts, ...tls, handshakeTimeout: settings.handshakeTimeoutMs }, upgradeRequired);
  http.maxConnections = settings.maxClients + Math.max(SPARE_CONNECTIONS, 2 * settings.maxClosing);
  return http;
}

function createTlsServer(options: Parameters<typeof createHttpsServer>[0], listener: RequestListener): HttpServer {
  try {
    return createHttpsServer(options, listener);
  } catch (cause) {
    throw makeError('INVALID_OPTION', { option: 'tls' }, cause);
  }
}

const upgradeRequired: RequestListener = (_request, response) => {
  // Both names in one Connection header, so that Node closes the connection.
  response.writeHead(426, { Connection: 'close, Upgrade', Upgrade: 'websocket', 'Content-Type': 'text/plain; charset=utf-8' });
  response.end('This is a WebSocket server: connect with ws:// or wss:// instead.\n');
};

/** Refuses a connection without a valid request: bytes that are not HTTP, a failed TLS handshake, or a client that disconnected. */
function refuseBroken(server: UpgradeServer, { code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (code === 'HPE_HEADER_OVERFLOW') server.refuse(socket, headersTooLarge);
  else if (code?.startsWith('HPE_')) server.refuse(socket, notHttp);
  else {
    // A failed TLS connection cannot carry an answer.
    socket.destroy();
    if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') server.refuse(socket, tookTooLong);
  }
}

/** All connections, upgraded ones too, which the HTTP server itself forgets: closing ends whatever is left. */
function trackSockets(http: HttpServer): ReadonlySet<Duplex> {
  const sockets = new Set<Duplex>();
  const closed = onSocket((socket) => sockets.delete(socket));
  http.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', ignore);
    socket.on('close', closed);
  });
  return sockets;
}

function bind(http: HttpServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown) =>
      reject(makeError('LISTEN_FAILED', { host, port, systemCode: (cause as NodeJS.ErrnoException).code }, cause));
    http.once('error', failed);
    try {
      http.listen(port, host, BACKLOG, () => {
        http.off('error', failed);
        resolve();
      });
    } catch (cause) {
      failed(cause);
    }
  });
}

function listenerOf(http: HttpServer, sockets: ReadonlySet<Duplex>): Listener {
  const { port } = http.address() as AddressInfo;
  return {
    port,
    get isListening() {
      return http.listening;
    },
    shut: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
