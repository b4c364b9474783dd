/** Our client and server against raw ws on both sides, in one process, alternating. */
import { gemsocketClient, gemsocketServer, wsClient, wsServer } from './peers.mjs';
import { interleave, median, printTable } from './statistics.mjs';

/**
 * Prints a row for each load; `column` is the heading of the loads.
 *
 * @param measure resolves with the rate per second of a contender under the load
 */
export async function compareWithWs(title, column, loads, rounds, measure) {
  const [ours, raw] = [await gemsocketServer(), await wsServer()];
  const contenders = [
    ['gemsocket', { port: ours.port, connect: gemsocketClient }],
    ['ws', { port: raw.port, connect: wsClient }],
  ];
  const rows = [];
  for (const load of loads) {
    const results = await interleave(contenders, rounds, (contender) => measure(contender, load));
    const [own, other] = contenders.map(([name]) => results.get(name));
    const ratios = own.map((result, round) => result / other[round]);
    rows.push([load, ...[own, other].map((each) => Math.round(median(each))), median(ratios).toFixed(2)]);
  }
  printTable(`${title} a second, medians of ${rounds}`, [column, 'gemsocket', 'ws', 'ratio'], rows);
  await Promise.all([ours.close(), raw.close()]);
}
