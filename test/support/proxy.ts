import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './until.js';

/** A TCP proxy under the test's control. A condition of its connections holds until `heal()`. */
export interface FaultyProxy extends AsyncDisposable {
  readonly port: number;
  /** The number of open connections. */
  readonly connections: number;
  /** The number of connections since it was started. */
  readonly accepted: number;
  /** Ends every connection on both sides: with a FIN, or with an RST as a crashed machine does. */
  cut(how: 'fin' | 'reset'): void;
  /** Makes the network unresponsive: no byte, FIN or new connection passes, and neither side gets an error. One way, or both. */
  freeze(direction?: Direction | 'both'): void;
  /** Makes the present connections unresponsive, like those that a NAT has forgotten after a long silence; new ones pass. */
  forget(): void;
  /** Delays every byte by this time in each direction. */
  delay(delayMs: number): void;
  /** Limits the bytes per second in each direction. */
  throttle(bytesPerSecond: number): void;
  /** Refuses new connections. */
  refuse(): Promise<void>;
  /** Ends every condition; held-back bytes are delivered now, as TCP would retransmit them. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

export type Direction = 'toServer' | 'toClient';

interface Conditions {
  frozen: Set<Direction>;
  forgotten: Set<Socket>;
  delayMs: number;
  bytesPerSecond: number;
  /** Resolves at the next change. */
  changed: Promise<void>;
}

export async function startProxy(targetPort: number, host = '127.0.0.1'): Promise<FaultyProxy> {
  let change = () => {};
  const nextChange = () =>
    new Promise<void>((resolve) => {
      change = resolve;
    });
  const conditions: Conditions = { ...noFault(), changed: nextChange() };
  const tell = () => {
    const changed = change;
    conditions.changed = nextChange();
    changed();
  };
  const pairs = new Set<readonly [Socket, Socket]>();
  let accepted = 0;

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    accepted += 1;
    const target = dial({ port: targetPort, host, allowHalfOpen: true, noDelay: true });
    const pair = [client, target] as const;
    pairs.add(pair);
    carry(client, target, 'toServer', conditions);
    carry(target, client, 'toClient', conditions);
    void Promise.all(pair.map((socket) => new Promise((resolve) => socket.once('close', resolve)))).then(() => pairs.delete(pair));
  });
  await listen(server, 0, host);
  const { port } = server.address() as { port: number };

  const close = async () => {
    const closed = unlisten(server);
    for (const socket of [...pairs].flat()) socket.destroy();
    Object.assign(conditions, noFault());
    tell();
    await closed;
    await until(() => pairs.size === 0, 'the proxy has no connection left');
  };

  return {
    port,
    get connections() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    cut(how) {
      for (const socket of [...pairs].flat()) {
        if (how === 'reset') reset(socket);
        else if (socket.writableEnded) socket.destroy();
        else socket.destroySoon();
      }
    },
    freeze(direction = 'both') {
      conditions.frozen = new Set(direction === 'both' ? ['toServer', 'toClient'] : [direction]);
      tell();
    },
    forget() {
      for (const socket of [...pairs].flat()) conditions.forgotten.add(socket);
    },
    delay(delayMs) {
      conditions.delayMs = delayMs;
    },
    throttle(bytesPerSecond) {
      conditions.bytesPerSecond = bytesPerSecond;
    },
    refuse: () => unlisten(server),
    async heal() {
      Object.assign(conditions, noFault());
      tell();
      if (!server.listening) await listen(server, port, host);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function noFault(): Omit<Conditions, 'changed'> {
  return { frozen: new Set(), forgotten: new Set(), delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: 2048 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Refuses new connections; open ones continue. */
function unlisten(server: Server): Promise<void> {
  server.close();
  return until(() => !server.listening, 'the proxy refuses connections');
}

/** A socket that has begun to end cannot be reset any more: Node would neither close it nor report it. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** How many bytes one direction buffers before it stops reading: about the size of the sockets' own buffers. */
const HELD_PARCELS = 64;

function carry(from: Socket, to: Socket, direction: Direction, conditions: Conditions): void {
  const queue: { readonly bytes: Buffer | 'fin' | 'reset'; readonly dueAt: number }[] = [];
  let isPumping = false;
  const push = (bytes: Buffer | 'fin' | 'reset') => {
    queue.push({ bytes, dueAt: Date.now() + conditions.delayMs });
    if (queue.length > HELD_PARCELS) from.pause();
    if (!isPumping) void pump();
  };
  const pump = async () => {
    isPumping = true;
    for (let parcel = queue.shift(); parcel !== undefined; parcel = queue.shift()) {
      while (conditions.frozen.has(direction) || conditions.forgotten.has(from)) await conditions.changed;
      if (parcel.dueAt > Date.now()) await sleep(parcel.dueAt - Date.now());
      await pass(to, parcel.bytes, conditions);
      if (queue.length <= HELD_PARCELS) from.resume();
    }
    isPumping = false;
  };
  from.on('data', push);
  from.on('end', () => push('fin'));
  from.on('error', () => push('reset'));
}

async function pass(to: Socket, bytes: Buffer | 'fin' | 'reset', conditions: Conditions): Promise<void> {
  if (bytes === 'fin') to.end();
  else if (bytes === 'reset') reset(to);
  else await write(to, bytes, conditions);
}

async function write(to: Socket, bytes: Buffer, conditions: Conditions): Promise<void> {
  if (Number.isFinite(conditions.bytesPerSecond)) await sleep((bytes.length / conditions.bytesPerSecond) * 1000);
  if (to.destroyed || to.write(bytes)) return;
  await new Promise<void>((resolve) => {
    to.once('drain', resolve);
    to.once('close', resolve);
  });
}
