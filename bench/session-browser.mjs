// Sessions against the native WebSocket in Chromium: 64-byte messages, each direction, interleaved rounds, medians.
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright';
import { median } from './statistics.mjs';

const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const root = fileURLToPath(new URL('..', import.meta.url));
const turns = (process.env.BENCH_TURNS ?? 'platform').split(',');

const page = `
import { Client } from '${root}build/core/client.js';
import { clientParts } from '${root}build/core/client-parts.js';
import { browserPlatform } from '${root}build/platform/browser/platform.js';
import { session } from '${root}build/entry/session.js';

const channel = new MessageChannel();
const calls = [];
channel.port1.onmessage = () => calls.shift()();
const turns = {
  platform: browserPlatform.makeEndOfTurn,
  microtask: () => (call) => queueMicrotask(call),
  channel: () => (call) => { calls.push(call); channel.port2.postMessage(0); },
};

async function native(address) {
  const socket = new WebSocket(address);
  await new Promise((resolve) => { socket.onopen = resolve; });
  let listener;
  socket.onmessage = ({ data }) => listener(data);
  return { send: (text) => socket.send(text), busy: () => socket.bufferedAmount > 262144, rest: () => new Promise((resolve) => setTimeout(resolve, 1)), hear: (to) => { listener = to; }, close: () => socket.close() };
}

async function own(address, turn) {
  const platform = { ...browserPlatform, makeEndOfTurn: turns[turn] };
  const client = new Client(clientParts(platform, address, 'insecure', { session: session() }));
  let listener;
  let isBusy = false;
  client.on('message', (message) => listener(message));
  await client.connect();
  return { send: (text) => { isBusy = !client.sendMessage(text); }, busy: () => isBusy, rest: async () => { await client.drained(); isBusy = false; }, hear: (to) => { listener = to; }, close: () => client.close() };
}

/** The clock stops when the server has counted them all. */
async function counted(peer, total) {
  const count = await new Promise((resolve) => { peer.hear(resolve); peer.send('count?'); });
  if (Number(count) !== total) throw new Error('The server counted ' + count + ' of ' + total + ' messages.');
}

async function upload(peer, total) {
  const message = 'c'.repeat(64);
  const startedAt = performance.now();
  for (let n = 0; n < total; n++) { peer.send(message); if (peer.busy()) await peer.rest(); }
  await counted(peer, total);
  return (total / (performance.now() - startedAt)) * 1000;
}

function download(peer, total) {
  return new Promise((resolve) => {
    let heard = 0;
    const startedAt = performance.now();
    peer.hear(() => { if (++heard === total) resolve((total / (performance.now() - startedAt)) * 1000); });
    peer.send('flood ' + total);
  });
}

async function echo(peer, total) {
  const text = 'e'.repeat(64);
  const startedAt = performance.now();
  for (let n = 0; n < total; n++) await new Promise((resolve) => { peer.hear(resolve); peer.send(text); });
  return (total / (performance.now() - startedAt)) * 1000;
}

async function awaiting(peer, total) {
  const message = 'c'.repeat(64);
  const startedAt = performance.now();
  for (let n = 0; n < total; n++) { peer.send(message); await null; if (peer.busy()) await peer.rest(); }
  await counted(peer, total);
  return (total / (performance.now() - startedAt)) * 1000;
}

const runs = { send: upload, receive: download, echo, awaiting };
window.run = async (address, kind, what, total) => {
  const peer = kind === 'native' ? await native(address) : await own(address, kind);
  const rate = await runs[what](peer, total);
  peer.close();
  return rate;
};
`;

const bundle = await build({
  stdin: { contents: page, resolveDir: root },
  bundle: true,
  write: false,
  format: 'esm',
  conditions: ['browser'],
  platform: 'browser',
});
const http = createServer((request, response) => {
  const isScript = request.url === '/page.js';
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
  response.end(isScript ? bundle.outputFiles[0].text : '<script type="module" src="/page.js"></script>');
});
await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
const child = fork(fileURLToPath(new URL('./session-peer.mjs', import.meta.url)));
const { port } = await new Promise((resolve) => child.once('message', resolve));
// Debian's own where it is installed; otherwise the one that Playwright brought.
const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium'].find(existsSync);
const browser = await chromium.launch({
  ...(executablePath === undefined ? {} : { executablePath }),
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
const tab = await browser.newPage();
tab.on('pageerror', (error) => console.error(error));
await tab.goto(`http://127.0.0.1:${http.address().port}/`);
await tab.waitForFunction('window.run');

const totals = { send: [10_000, 200_000], receive: [10_000, 200_000], echo: [500, 500], awaiting: [10_000, 100_000] };
for (const [what, [few, many]] of Object.entries(totals).filter(([name]) => (process.env.BENCH_ONLY ?? name) === name)) {
  const rates = Object.fromEntries(['native', ...turns].map((kind) => [kind, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const kind of Object.keys(rates)) {
      const rate = await tab.evaluate(
        ([address, kind, what, total]) => window.run(address, kind, what, total),
        [`ws://127.0.0.1:${port}`, kind, what, kind === 'native' ? few : many],
      );
      if (round > 0) rates[kind].push(rate);
    }
  }
  const native = median(rates.native);
  const round = (rate) => Math.round(rate).toLocaleString('en');
  const line = Object.entries(rates).map(
    ([kind, all]) =>
      `${kind} ${round(median(all))}/s, ${round(Math.min(...all))} to ${round(Math.max(...all))} (${(median(all) / native).toFixed(2)})`,
  );
  console.log(what.padEnd(9), line.join('   '));
}
await browser.close();
child.kill();
process.exit(0);
