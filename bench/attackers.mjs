/** The attackers of under-attack.mjs, in their own process: each writes the same bytes repeatedly, at a given rate or as fast as possible. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { hello, plainAttacks, sessionAttacks } from './attacks.mjs';

const KEY = 'AAAAAAAAAAAAAAAAAAAAAA==';

async function attacker(port, isSession) {
  const socket = connect(port, '127.0.0.1');
  const protocol = isSession ? 'Sec-WebSocket-Protocol: gem.1\r\n' : '';
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n${protocol}\r\n`,
  );
  await once(socket, 'data');
  socket.on('error', () => {}).resume();
  if (isSession) socket.write(hello);
  return socket;
}

/** Writes as much as the rate allows since the start, but no more than the socket accepts. */
function flood(socket, bytes, bytesPerSecond) {
  const startedAt = performance.now();
  let written = 0;
  const timer = setInterval(() => {
    const due = bytesPerSecond === 0 ? Infinity : ((performance.now() - startedAt) / 1000) * bytesPerSecond;
    while (written < due && !socket.writableNeedDrain && socket.writable) {
      socket.write(bytes);
      written += bytes.length;
    }
    // Bytes that a stalled server did not accept are not made up for.
    if (socket.writableNeedDrain && due < Infinity) written = Math.max(written, due);
  }, 5);
  socket.on('close', () => clearInterval(timer));
  return () => {
    clearInterval(timer);
    return socket.destroyed;
  };
}

process.once('message', async ({ port, attack, connections, bitsPerSecond }) => {
  const isSession = attack in sessionAttacks;
  const bytes = { ...sessionAttacks, ...plainAttacks }[attack];
  const sockets = await Promise.all(Array.from({ length: connections }, () => attacker(port, isSession)));
  const before = sockets.map((socket) => socket.bytesWritten);
  const startedAt = performance.now();
  const stops = sockets.map((socket) => flood(socket, bytes, bitsPerSecond / 8 / connections));
  process.send('started');
  await once(process, 'message');
  const closed = stops.filter((stop) => stop()).length;
  const taken = sockets.reduce((sum, socket, index) => sum + socket.bytesWritten - socket.writableLength - before[index], 0);
  process.send({ closed, megabits: (taken * 8) / 1e3 / (performance.now() - startedAt) }, () => process.exit());
});
process.on('disconnect', () => process.exit());
