import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';

/** The client's packets before those of its application: the handshake, and the HELLO of gem.1. Each is sent alone, as each needs an answer. */
const CHUNKS_BEFORE_MESSAGES = 2;

interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  readonly cuts: number;
}

/** A TCP proxy that drops the first bytes that the application of its first connection sends, and ends that connection. Later ones pass. */
export async function startCuttingProxy(targetPort: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let [accepted, cuts] = [0, 0];
  const server = createServer((client) => {
    const isFirst = accepted++ === 0;
    const target = dial(targetPort, 'localhost');
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => other.destroy());
    }
    target.pipe(client);
    let chunks = 0;
    client.on('data', (bytes) => {
      if (isFirst && chunks++ === CHUNKS_BEFORE_MESSAGES) {
        cuts += 1;
        client.resetAndDestroy();
      } else target.write(bytes);
    });
  });
  await once(server.listen(0, 'localhost'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
