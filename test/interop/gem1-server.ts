import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { Client } from '../../src/core/client.js';
import { type ClientOptions, resolveOptions, type Settings } from '../../src/core/options.js';
import { nodePlatform } from '../../src/platform/node/platform.js';
import { NodeWire } from '../../src/platform/node/wire.js';
import { type Seat, SessionDoor } from '../../src/session/door.js';
import { resolveSession, type SessionOptions, sessionSettings } from '../../src/session/feature.js';
import { registryDefaults, SessionRegistry } from '../../src/session/registry.js';

/** The server half of gem.1 behind a bare ws server. */
export interface SessionServer extends AsyncDisposable {
  readonly port: number;
  /** One for each session. */
  readonly clients: readonly Client[];
}

export async function serveSessions(options: ClientOptions, session: SessionOptions): Promise<SessionServer> {
  const settings: Settings = { ...resolveOptions(options), resumeWindowMs: registryDefaults.resumeWindowMs };
  const secrets = {
    randomBytes: (length: number) => new Uint8Array(randomBytes(length)),
    isEqual: (one: Uint8Array, other: Uint8Array) => timingSafeEqual(one, other),
  };
  const registry = new SessionRegistry<Seat>(secrets, nodePlatform.clock, registryDefaults);
  const clients: Client[] = [];
  const doorSettings = {
    session: sessionSettings(resolveSession(session), settings),
    resumeWindowMs: registryDefaults.resumeWindowMs,
    handshakeTimeoutMs: 10_000,
  };
  const door = new SessionDoor<undefined>(nodePlatform, registry, doorSettings, {
    enter({ dial, makeLink }) {
      const client = new Client({
        platform: { ...nodePlatform, dial },
        settings,
        target: () => new URL('ws://accepted.invalid'),
        makeLink,
        retriesFirst: false,
        onMessage: undefined,
        signal: undefined,
      });
      clients.push(client);
      return client;
    },
    mayResume: () => true,
    choose: () => '',
  });
  const http = createServer();
  const sockets = new Set<Socket>();
  http.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const server = new WebSocketServer({
    server: http,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: 65_536,
    handleProtocols: () => 'gem.1',
  });
  server.on('connection', (ws, request) => {
    door.accept((events) => new NodeWire(ws, events, { socket: request.socket }), undefined);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    port: (http.address() as { port: number }).port,
    clients,
    async [Symbol.asyncDispose]() {
      registry.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
