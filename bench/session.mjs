// Sessions against raw ws, Node to Node, in one run: interleaved rounds, medians, ratios. `npm run bench:session`.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { Client } from '../build/core/client.js';
import { clientParts } from '../build/core/client-parts.js';
import { session } from '../build/entry/session.js';
import { nodePlatform } from '../build/platform/node/platform.js';

const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const child = fork(fileURLToPath(new URL('./session-peer.mjs', import.meta.url)));
const { port } = await new Promise((resolve) => child.once('message', resolve));
const address = `ws://127.0.0.1:${port}`;

async function rawClient() {
  const ws = new WebSocket(address, { perMessageDeflate: false });
  await new Promise((resolve, reject) => ws.on('open', resolve).on('error', reject));
  let listener = () => {};
  ws.on('message', (data) => listener(data.toString()));
  return {
    send: (text) => ws.send(text),
    hear: (to) => (listener = to),
    busy: () => ws.bufferedAmount > 1_048_576,
    rest: () => new Promise((resolve) => setTimeout(resolve, 1)),
    close: () => ws.close(),
  };
}

async function sessionClient() {
  const client = new Client(clientParts(nodePlatform, address, 'insecure', { session: session() }));
  let listener = () => {};
  let isBusy = false;
  client.on('message', (message) => listener(message));
  client.on('error', console.error);
  await client.connect();
  return {
    send: (text) => (isBusy = !client.sendMessage(text)),
    hear: (to) => (listener = to),
    busy: () => isBusy,
    rest: async () => {
      await client.drained();
      isBusy = false;
    },
    close: () => client.close(),
  };
}

const text = 'e'.repeat(64);

/** Round trips a second with so many in flight. */
function echo(inFlight, total) {
  return (peer) =>
    new Promise((resolve) => {
      let [sent, heard] = [0, 0];
      const startedAt = performance.now();
      peer.hear(() => {
        heard += 1;
        if (heard === total) resolve((total / (performance.now() - startedAt)) * 1000);
        else if (sent < total) {
          sent += 1;
          peer.send(text);
        }
      });
      for (; sent < inFlight; sent++) peer.send(text);
    });
}

/** Messages a second from here to there, counted there. */
function upload(total) {
  const message = 'c'.repeat(64);
  return async (peer) => {
    const startedAt = performance.now();
    for (let n = 0; n < total; n++) {
      peer.send(message);
      if (peer.busy()) await peer.rest();
    }
    await new Promise((resolve) => {
      peer.hear(resolve);
      peer.send('count?');
    });
    return (total / (performance.now() - startedAt)) * 1000;
  };
}

/** Messages a second from there to here. */
function download(total) {
  return (peer) =>
    new Promise((resolve) => {
      let heard = 0;
      const startedAt = performance.now();
      peer.hear(() => {
        if (++heard === total) resolve((total / (performance.now() - startedAt)) * 1000);
      });
      peer.send(`flood ${total}`);
    });
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const only = process.env.BENCH_ONLY;
const cases = [
  ['echo, 1 in flight', echo(1, 5_000), 0.85],
  ['echo, 100 in flight', echo(100, 100_000), 4],
  ['send', upload(200_000), undefined],
  ['receive', download(200_000), undefined],
];

for (const [name, run, target] of cases.filter(([n]) => !only || n.startsWith(only))) {
  const results = { raw: [], session: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const [kind, make] of [
      ['raw', rawClient],
      ['session', sessionClient],
    ]) {
      const peer = await make();
      const rate = await run(peer);
      if (round > 0) results[kind].push(rate);
      peer.close();
    }
  }
  const [raw, ours] = [median(results.raw), median(results.session)];
  console.log(
    `${name.padEnd(22)} raw ${Math.round(raw).toLocaleString().padStart(10)}/s   session ${Math.round(ours).toLocaleString().padStart(10)}/s   ratio ${(ours / raw).toFixed(2)}${target === undefined ? '' : ` (target ${target})`}`,
  );
}
child.disconnect();
process.exit(0);
