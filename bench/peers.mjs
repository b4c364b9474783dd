import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The peer of the session benchmarks and its ports: see session-peer.mjs. */
export async function startSessionPeer() {
  const child = fork(fileURLToPath(new URL('./session-peer.mjs', import.meta.url)));
  const [ports] = await once(child, 'message');
  return { ports, stop: () => child.disconnect() };
}
