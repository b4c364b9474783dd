/**
 * Connections opened and closed a second over loopback: our client and server against raw ws on both sides, in one
 * process and in turns. `node bench/connect-close.mjs [rounds] [connections of each]`
 */
import { gemsocketClient, gemsocketServer, wsClient, wsServer } from './peers.mjs';
import { interleave, median, printTable } from './statistics.mjs';

const rounds = Number(process.argv[2] ?? 7);
const connections = Number(process.argv[3] ?? 400);

async function connectionsPerSecond({ port, connect }, lanes) {
  const startedAt = performance.now();
  let left = connections;
  const lane = async () => {
    while (left-- > 0) await (await connect(port)).close();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return (connections / (performance.now() - startedAt)) * 1000;
}

const [ours, raw] = [await gemsocketServer(), await wsServer()];
const contenders = [
  ['gemsocket', { port: ours.port, connect: gemsocketClient }],
  ['ws', { port: raw.port, connect: wsClient }],
];
const rows = [];
for (const lanes of [1, 20]) {
  const results = await interleave(contenders, rounds, (contender) => connectionsPerSecond(contender, lanes));
  const [own, other] = contenders.map(([name]) => results.get(name));
  const ratios = own.map((result, round) => result / other[round]);
  rows.push([lanes, ...[own, other].map((each) => Math.round(median(each))), median(ratios).toFixed(2)]);
}
printTable(`Connections opened and closed a second, medians of ${rounds}`, ['at once', 'gemsocket', 'ws', 'ratio'], rows);
await Promise.all([ours.close(), raw.close()]);
