// The other side of bench/session.mjs: an echo server, raw or with sessions, in a process of its own.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { WebSocketServer } from 'ws';
import { Client } from '../build/core/client.js';
import { resolveOptions } from '../build/core/options.js';
import { nodePlatform } from '../build/platform/node/platform.js';
import { NodeWire } from '../build/platform/node/wire.js';
import { SessionDoor } from '../build/session/door.js';
import { resolveSession, sessionSettings } from '../build/session/feature.js';
import { registryDefaults, SessionRegistry } from '../build/session/registry.js';

const settings = { ...resolveOptions({}), resumeWindowMs: registryDefaults.resumeWindowMs };
const secrets = { randomBytes: (length) => new Uint8Array(randomBytes(length)), isEqual: timingSafeEqual };
const registry = new SessionRegistry(secrets, nodePlatform.clock, registryDefaults);
const host = {
  enter({ dial, makeLink }) {
    let count = 0;
    const client = new Client({
      platform: { ...nodePlatform, dial },
      settings,
      target: () => new URL('ws://accepted'),
      makeLink,
      retriesFirst: false,
      onMessage: (message, self) =>
        answer(
          message,
          (text) => self.sendMessage(text),
          () => self.drained(),
          (n) => (count += n),
          () => count,
        ),
    });
    return client;
  },
  mayResume: () => true,
  choose: () => '',
};
const door = new SessionDoor(
  nodePlatform,
  registry,
  { session: sessionSettings(resolveSession({}), settings), resumeWindowMs: 120_000, handshakeTimeoutMs: 10_000 },
  host,
);

/** 'e…': echoed. 'c…': counted. 'count?': tells the count. 'flood N': sends N messages. */
async function answer(text, send, drained, add, count) {
  if (text[0] === 'e') send(text);
  else if (text[0] === 'c' && text !== 'count?') add(1);
  else if (text === 'count?') send(String(count()));
  else if (text.startsWith('flood ')) {
    const message = 'm'.repeat(64);
    for (let left = Number(text.slice(6)); left > 0; left--) if (send(message) === false) await drained();
  }
}

const server = new WebSocketServer({
  port: 0,
  host: '127.0.0.1',
  perMessageDeflate: false,
  handleProtocols: (offered) => (offered.has('gem.1') ? 'gem.1' : false),
});
server.on('connection', (ws, request) => {
  if (ws.protocol === 'gem.1') {
    door.accept((events) => new NodeWire(ws, events, { socket: request.socket }), undefined);
    return;
  }
  let count = 0;
  const drained = () => new Promise((resolve) => setTimeout(resolve, 1));
  ws.on('message', (data) => {
    const send = (text) => {
      ws.send(text);
      return ws.bufferedAmount < 1_048_576;
    };
    void answer(
      data.toString(),
      send,
      drained,
      (n) => (count += n),
      () => count,
    );
  });
});
// Ends with whoever started it, and so that a profiler can write what it has.
process.on('disconnect', () => process.exit());
server.on('listening', () => process.send?.({ port: server.address().port }));
