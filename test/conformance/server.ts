import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { generate } from 'selfsigned';
import { WebSocketServer } from 'ws';
import { limit } from '../support/pace.js';
import { Peer } from './peer.js';
import type { Join, SessionPeer } from './session-peer.js';
import type { Awaited, Log, Seen, ServerInfo, Step } from './steps.js';

/** What the test server serves over HTTP beside its own addresses: the pages of the browser runners. */
export type Files = ReadonlyMap<string, { readonly type: string; readonly body: string | Uint8Array }>;

export interface TestServer extends ServerInfo {
  /** The first that was posted. */
  readonly report: Promise<string>;
  close(): Promise<void>;
}

/** A wait for a log ends here, and the log is sent as it is: the case that asked will say what it misses. */
const LOG_TIMEOUT_MS = 5_000;

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
}

/** All connections that were made under one key. */
class Record implements Log {
  attempts = 0;
  readonly peers: (Peer | SessionPeer)[] = [];
  /** The newest. */
  socket: Socket | undefined;
  /** Those whose handshake is never answered. */
  readonly unanswered: Duplex[] = [];
  readonly #waiters = new Set<Waiter>();

  get connections(): Seen[] {
    return this.peers.map((peer) => peer.seen);
  }

  readonly changed = (): void => {
    for (const waiter of this.#waiters) {
      if (!waiter.isMet()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  };

  async until(awaited: Awaited): Promise<void> {
    const isMet = () => this.#has(awaited);
    if (isMet()) return;
    await new Promise<void>((resolve) => {
      const waiter = { isMet, resolve };
      this.#waiters.add(waiter);
      setTimeout(() => this.#waiters.delete(waiter) && resolve(), limit(LOG_TIMEOUT_MS));
    });
  }

  #has(awaited: Awaited): boolean {
    const sum = (count: (seen: Seen) => number) => this.connections.reduce((total, seen) => total + count(seen), 0);
    return (
      this.attempts >= (awaited.attempts ?? 0) &&
      this.peers.length >= (awaited.connections ?? 0) &&
      sum((seen) => (seen.closed === undefined ? 0 : 1)) >= (awaited.closed ?? 0) &&
      sum((seen) => seen.messages.length) >= (awaited.messages ?? 0) &&
      sum((seen) => seen.flooded) >= (awaited.flooded ?? 0) &&
      sum((seen) => seen.pongs) >= (awaited.pongs ?? 0)
    );
  }
}

/**
 * The server of the conformance suite, on raw `ws`, so that the client is measured against another implementation.
 * The path says what a connection meets: `/echo`, `/sink`, `/steps` (messages are steps to carry out), `/silent` (no
 * answer to the handshake), `/status/NNN`, `/redirect`, `/garbage`, `/hangup`. The query says more: `key` names the
 * record, `open` has the steps for the first connection, the second, and so on; `refuse=2-4` answers those attempts
 * with 503; `choose` names the subprotocol. `/info`, `/log`, `/do` and `/hangup` (on those never answered) are for fetch,
 * from any origin; what a page posts to `/report` is in `report`.
 */
export async function startTestServer(files: Files = new Map(), startSessions?: (join: Join) => Server): Promise<TestServer> {
  const records = new Map<string, Record>();
  const recordOf = (key: string) => {
    const record = records.get(key) ?? new Record();
    records.set(key, record);
    return record;
  };
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols, maxPayload: 256 * 1024 * 1024 });
  const sockets = new Set<Duplex>();
  const sessions = startSessions?.((url, makePeer) => {
    const record = recordOf(new URL(url, 'http://localhost').searchParams.get('key') ?? '');
    begin(
      makePeer(() => record.socket as Socket, record.changed),
      record,
    );
  });
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    upgrade(wss, sessions, recordOf, request, socket, head);
  };
  const { key, cert } = await certificate();
  let info: ServerInfo | undefined;
  let reported: (report: string) => void = () => {};
  const report = new Promise<string>((resolve) => {
    reported = resolve;
  });
  const listener: RequestListener = (request, response) => {
    answer(request, response, recordOf, files, info as ServerInfo, reported).catch((error: Error) =>
      response.writeHead(500).end(error.stack),
    );
  };
  const servers: Server[] = [createServer(listener), createSecureServer({ key, cert }, listener)];
  for (const server of servers) server.on('upgrade', onUpgrade);
  const [port, securePort, closedPort] = await Promise.all([...servers.map(listen), unusedPort()]);
  info = { port, securePort, closedPort, certificate: cert } as ServerInfo;
  return {
    ...info,
    report,
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => closeServer(server)));
    },
  };
}

function upgrade(
  wss: WebSocketServer,
  sessions: Server | undefined,
  recordOf: (key: string) => Record,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const record = recordOf(searchParams.get('key') ?? '');
  record.attempts += 1;
  record.changed();
  const refusal = isRefused(record.attempts, searchParams.get('refuse')) ? '/status/503' : pathname;
  if (refusal === '/silent') record.unanswered.push(socket);
  else if (!refuse(refusal, socket)) connect(wss, sessions, record, request, socket, head);
}

function connect(
  wss: WebSocketServer,
  sessions: Server | undefined,
  record: Record,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  record.socket = socket as Socket;
  if (sessions !== undefined) sessions.emit('upgrade', request, socket, head);
  else wss.handleUpgrade(request, socket, head, (ws) => begin(new Peer(ws, socket, request, record.changed), record));
}

function begin(peer: Peer | SessionPeer, record: Record): void {
  const { pathname, searchParams } = new URL(peer.seen.url, 'http://localhost');
  record.peers.push(peer);
  record.changed();
  if (pathname === '/echo') peer.echo();
  if (pathname === '/steps') peer.obey();
  const open = JSON.parse(searchParams.get('open') ?? '[]') as Step[][];
  peer.run(open[record.peers.length - 1] ?? []);
}

/** `2-4` holds 2, 3 and 4; `2-` all from 2 on. */
function isRefused(attempt: number, range: string | null): boolean {
  if (range === null) return false;
  const [first, last] = range.split('-');
  return attempt >= Number(first) && attempt <= (last ? Number(last) : Number.POSITIVE_INFINITY);
}

/** @returns whether the handshake has met its end. */
function refuse(path: string, socket: Duplex): boolean {
  if (path.startsWith('/status/')) socket.end(`HTTP/1.1 ${path.slice(8)} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  else if (path === '/redirect') socket.end('HTTP/1.1 302 Found\r\nLocation: /echo\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  else if (path === '/garbage') socket.end('I am not an HTTP server.\r\n\r\n');
  else if (path === '/hangup') socket.destroy();
  else return false;
  return true;
}

function handleProtocols(_offered: Set<string>, request: IncomingMessage): string | false {
  return new URL(request.url ?? '/', 'http://localhost').searchParams.get('choose') ?? false;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  recordOf: (key: string) => Record,
  files: Files,
  info: ServerInfo,
  reported: (report: string) => void,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const json = (value: unknown) =>
    response.writeHead(200, { 'access-control-allow-origin': '*', 'content-type': 'application/json' }).end(JSON.stringify(value));
  const record = recordOf(searchParams.get('key') ?? '');
  if (pathname === '/info') json(info);
  else if (pathname === '/log') {
    await record.until(JSON.parse(searchParams.get('until') ?? '{}') as Awaited);
    json({ attempts: record.attempts, connections: record.connections } satisfies Log);
  } else if (pathname === '/do') {
    record.peers.at(-1)?.run(JSON.parse(searchParams.get('steps') ?? '[]') as Step[]);
    json({});
  } else if (pathname === '/hangup') {
    for (const socket of record.unanswered.splice(0)) socket.destroy();
    json({});
  } else if (pathname === '/report') {
    response.writeHead(200).end();
    reported(await text(request));
  } else {
    const file = files.get(pathname);
    if (file === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': file.type }).end(file.body);
  }
}

async function certificate(): Promise<{ key: string; cert: string }> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  return { key, cert };
}

function listen(server: TcpServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

async function unusedPort(): Promise<number> {
  const server = createTcpServer();
  const port = await listen(server);
  await closeServer(server);
  return port;
}

function closeServer(server: TcpServer | Server): Promise<void> {
  if ('closeAllConnections' in server) server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
