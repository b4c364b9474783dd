/**
 * What a message costs, in counts that do not depend on the speed of the machine: writes and bytes on the sockets, and bytes allocated on
 * the heap. Both ends are in this process. Prints the counts as JSON; budgets.test.ts says which flags of V8 it needs.
 */
import { Socket } from 'node:net';
import { connect } from 'gemsocket';
import { listen } from 'gemsocket/server';
import { session } from 'gemsocket/session';

const BURST = 100;
const CLIENTS = 20;
const TRIALS = 15;
const WARM_UP_BURSTS = 300;
const TEXT = 'x'.repeat(64);
/** Longer than a trial, so that none has to pay for acknowledgements that answer an earlier one. */
const ACK_DELAY_MS = 1000;
const [mode] = process.argv.slice(2);

/** Of the sockets of each end. */
const counts = { client: { writes: 0, bytes: 0 }, server: { writes: 0, bytes: 0 } };
const server = await listen('127.0.0.1', 0);

function countWrites(name, bytesOf) {
  const original = Socket.prototype[name];
  Socket.prototype[name] = function (...args) {
    const count = counts[this.localPort === server.port ? 'server' : 'client'];
    count.writes += 1;
    count.bytes += bytesOf(args[0]);
    return original.apply(this, args);
  };
}
countWrites('_write', (chunk) => Buffer.byteLength(chunk));
countWrites('_writev', (chunks) => chunks.reduce((sum, { chunk }) => sum + Buffer.byteLength(chunk), 0));

let received = 0;
let awaited = Infinity;
let onReceived = () => {};
function receive() {
  received += 1;
  if (received === awaited) onReceived();
}

/** Sends, and resolves when the messages have arrived. */
async function delivered(messages, send) {
  awaited = received + messages;
  await new Promise((resolve) => {
    onReceived = resolve;
    send();
  });
}

/** The median over several trials, because the timer of an acknowledgement may fall into one of them. */
async function median(measure) {
  const values = [];
  for (let trial = 0; trial < TRIALS; trial++) values.push(await measure());
  return values.sort((one, other) => one - other)[TRIALS >> 1];
}

async function heapBytes(action) {
  const before = process.memoryUsage().heapUsed;
  await action();
  return process.memoryUsage().heapUsed - before;
}

const options = { type: 'insecure', ...(mode === 'session' ? { session: session({ ackDelayMs: ACK_DELAY_MS }) } : {}) };
let isEcho = false;
server.on('connection', (client) => {
  client.on('message', (message) => {
    receive();
    if (isEcho) client.sendMessage(message);
  });
});
const open = () => connect(`ws://127.0.0.1:${server.port}`, { ...options, onMessage: receive });
const client = await open();

const burst = () =>
  delivered(BURST, () => {
    for (let sent = 0; sent < BURST; sent++) client.sendMessage(TEXT);
  });
const roundTrip = () => delivered(2, () => client.sendMessage(TEXT));
const countedBurst = (what) => async () => {
  const before = counts.client[what];
  await burst();
  return counts.client[what] - before;
};
const roundTrips = async () => {
  for (let done = 0; done < BURST; done++) await roundTrip();
};

for (let bursts = 0; bursts < WARM_UP_BURSTS; bursts++) await burst();
const results = {
  burstWrites: await median(countedBurst('writes')),
  burstBytesPerMessage: (await median(countedBurst('bytes'))) / BURST,
  burstHeapBytesPerMessage: (await median(() => heapBytes(burst))) / BURST,
};

isEcho = true;
for (let times = 0; times < WARM_UP_BURSTS / 10; times++) await roundTrips();
results.roundTripHeapBytes = (await median(() => heapBytes(roundTrips))) / BURST;
results.roundTripWrites = await median(async () => {
  const before = counts.client.writes + counts.server.writes;
  await roundTrip();
  return counts.client.writes + counts.server.writes - before;
});

isEcho = false;
for (let opened = 1; opened < CLIENTS; opened++) await open();
const broadcast = () => delivered(CLIENTS, () => server.broadcast(TEXT));
const countedBroadcast = (what) => async () => {
  const before = counts.server[what];
  await broadcast();
  return counts.server[what] - before;
};
for (let times = 0; times < WARM_UP_BURSTS; times++) await broadcast();
results.broadcastWritesPerClient = (await median(countedBroadcast('writes'))) / CLIENTS;
results.broadcastBytesPerClient = (await median(countedBroadcast('bytes'))) / CLIENTS;
results.broadcastHeapBytesPerClient = (await median(() => heapBytes(broadcast))) / CLIENTS;

console.log(JSON.stringify(results));
process.exit();
