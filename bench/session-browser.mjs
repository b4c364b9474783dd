/**
 * Sessions against the native WebSocket in Chromium, 64-byte text messages, alternating; the server is a Node process. The ratio is
 * the median of the ratios of the pairs. `node bench/session-browser.mjs [rounds]`
 */
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright';
import { startSessionPeer } from './peers.mjs';
import { comparedHead, comparedRow, interleave, printTable } from './statistics.mjs';

const rounds = Number(process.argv[2] ?? 7);
/** The number of messages in a turn, which takes about half a second. */
const totals = {
  sending: { session: 200_000, native: 10_000, target: '12' },
  receiving: { session: 200_000, native: 10_000, target: '12' },
  'sending, an await after each': { session: 100_000, native: 10_000, target: '' },
  'round trips, 1 in flight': { session: 500, native: 500, target: '' },
};

const page = `
import { connect } from 'gemsocket';
import { session } from 'gemsocket/session';
import { echo, receive, send, sessionPeer } from './session-runs.mjs';

async function native(port) {
  const socket = new WebSocket('ws://127.0.0.1:' + port);
  await new Promise((resolve) => { socket.onopen = resolve; });
  let listener;
  socket.onmessage = ({ data }) => listener(data);
  return {
    send: (text) => socket.send(text),
    busy: () => socket.bufferedAmount > 262144,
    rest: () => new Promise((resolve) => setTimeout(resolve, 1)),
    hear: (to) => { listener = to; },
  };
}

const open = {
  native,
  session: async (port) => sessionPeer(await connect('ws://127.0.0.1:' + port, { type: 'insecure', session: session() })),
};
const runs = {
  sending: send,
  receiving: receive,
  'sending, an await after each': (total) => send(total, () => Promise.resolve()),
  'round trips, 1 in flight': (total) => echo(1, total),
};
const peers = {};
window.measure = async (kind, port, name, total) => runs[name](total)(peers[kind] ??= await open[kind](port));
`;

async function servePage() {
  const bundle = await build({
    stdin: { contents: page, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    write: false,
    logLevel: 'error',
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
  return `http://127.0.0.1:${http.address().port}/`;
}

const { ports, stop } = await startSessionPeer();
// Debian's own where it is installed; otherwise the one that Playwright installed.
const executablePath = ['/usr/bin/chromium'].find(existsSync);
const browser = await chromium.launch({
  ...(executablePath === undefined ? {} : { executablePath }),
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
const tab = await browser.newPage();
tab.on('pageerror', (error) => console.error(error));
await tab.goto(await servePage());
await tab.waitForFunction('window.measure');

const contenders = [
  ['session', { kind: 'session', port: ports.session }],
  ['native', { kind: 'native', port: ports.raw }],
];
const rows = [];
for (const [name, { target, ...total }] of Object.entries(totals)) {
  const results = await interleave(contenders, rounds, ({ kind, port }) =>
    tab.evaluate((args) => window.measure(...args), [kind, port, name, total[kind]]),
  );
  rows.push(comparedRow(name, results.get('session'), results.get('native'), target));
}
printTable(`Messages a second in Chromium, medians of ${rounds}`, comparedHead('native'), rows);
await browser.close();
stop();
process.exit(0);
