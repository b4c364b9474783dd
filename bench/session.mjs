/**
 * Sessions against raw ws, Node to Node, two processes, 64-byte text messages: both connections stay open and alternate every
 * tenth of a second. The ratio is the median of the ratios of the pairs. `node bench/session.mjs [rounds]`
 */
import { once } from 'node:events';
import { WebsocketClient } from 'gemsocket';
import { session } from 'gemsocket/session';
import { WebSocket } from 'ws';
import { startSessionPeer } from './peers.mjs';
import { echo, receive, send, sessionPeer } from './session-runs.mjs';
import { comparedHead, comparedRow, interleave, printTable } from './statistics.mjs';

const rounds = Number(process.argv[2] ?? 30);
const { ports, stop } = await startSessionPeer();

async function rawConnection() {
  const socket = new WebSocket(`ws://127.0.0.1:${ports.raw}`, { perMessageDeflate: false });
  await once(socket, 'open');
  let listener = () => {};
  socket.on('message', (data) => listener(data.toString()));
  return {
    send: (text) => socket.send(text),
    hear: (to) => {
      listener = to;
    },
    busy: () => socket.bufferedAmount > 1_048_576,
    rest: () => new Promise((resolve) => setTimeout(resolve, 1)),
  };
}

async function sessionConnection() {
  const client = new WebsocketClient(`127.0.0.1:${ports.session}`, { session: session() });
  await client.connect();
  return sessionPeer(client);
}

const contenders = [
  ['session', await sessionConnection()],
  ['ws', await rawConnection()],
];
const cases = [
  ['round trips, 1 in flight', echo(1, 1_000), '0.85'],
  ['round trips, 100 in flight', echo(100, 20_000), '4'],
  ['sending', send(40_000), ''],
  ['receiving', receive(40_000), ''],
];
const rows = [];
for (const [name, measure, target] of cases) {
  const results = await interleave(contenders, rounds, measure);
  rows.push(comparedRow(name, results.get('session'), results.get('ws'), target));
}
printTable(`Messages a second, medians of ${rounds}`, comparedHead('ws'), rows);
stop();
process.exit(0);
