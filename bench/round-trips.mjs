/**
 * Round trips a second over loopback, 64-byte text messages: our client and server against raw ws on both sides, in one
 * process and in turns. `node bench/round-trips.mjs [rounds] [ms of each]`
 */
import { gemsocketClient, gemsocketServer, wsClient, wsServer } from './peers.mjs';
import { interleave, median, printTable } from './statistics.mjs';

const rounds = Number(process.argv[2] ?? 9);
const measureMs = Number(process.argv[3] ?? 700);
const message = 'x'.repeat(64);

async function roundTripsPerSecond({ port, connect }, inFlight) {
  let count = 0;
  let isOver = false;
  let onDone = () => {};
  const peer = await connect(port, () => {
    count += 1;
    if (!isOver) peer.send(message);
    else if (--inFlight === 0) onDone();
  });
  const startedAt = performance.now();
  for (let sent = 0; sent < inFlight; sent++) peer.send(message);
  await new Promise((resolve) => setTimeout(resolve, measureMs));
  const perSecond = (count / (performance.now() - startedAt)) * 1000;
  await new Promise((resolve) => {
    onDone = resolve;
    isOver = true;
  });
  await peer.close();
  return perSecond;
}

const [ours, raw] = [await gemsocketServer(), await wsServer()];
const contenders = [
  ['gemsocket', { port: ours.port, connect: gemsocketClient }],
  ['ws', { port: raw.port, connect: wsClient }],
];
const rows = [];
for (const inFlight of [1, 100]) {
  const results = await interleave(contenders, rounds, (contender) => roundTripsPerSecond(contender, inFlight));
  const [own, other] = contenders.map(([name]) => results.get(name));
  const ratios = own.map((result, round) => result / other[round]);
  rows.push([inFlight, ...[own, other].map((each) => Math.round(median(each))), median(ratios).toFixed(2)]);
}
printTable(`Round trips a second, 64 bytes, medians of ${rounds}`, ['in flight', 'gemsocket', 'ws', 'ratio'], rows);
await Promise.all([ours.close(), raw.close()]);
