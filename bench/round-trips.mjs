/**
 * Round trips per second over loopback, 64-byte text messages: our client and server against raw ws on both sides, in one
 * process, alternating. `node bench/round-trips.mjs [rounds] [ms of each]`
 */
import { compareWithWs } from './against-ws.mjs';

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

await compareWithWs('Round trips of 64 bytes', 'in flight', [1, 100], rounds, roundTripsPerSecond);
