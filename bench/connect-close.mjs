/**
 * Connections opened and closed per second over loopback: our client and server against raw ws on both sides, in one
 * process, alternating. `node bench/connect-close.mjs [rounds] [connections of each]`
 */
import { compareWithWs } from './against-ws.mjs';

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

await compareWithWs('Connections opened and closed', 'at once', [1, 20], rounds, connectionsPerSecond);
