import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './until.js';

/** A TCP link under the test's control. What it does to its connections holds until `heal()`. */
export interface FaultyProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that it carries now. */
  readonly connections: number;
  /** Connections that it has taken since it was made. */
  readonly accepted: number;
  /** Ends every connection on both sides: with a FIN, or with a RST as a crashed machine does. */
  cut(how: 'fin' | 'reset'): void;
  /** The link goes dark: no byte, no FIN and no new connection passes, and nobody is told. One way, or both. */
  freeze(direction?: Direction | 'both'): void;
  /** The connections that there are go dark, as those that a NAT has forgotten during a long silence; new ones pass. */
  forget(): void;
  /** Every byte takes this long to pass, each way. */
  delay(delayMs: number): void;
  /** At most this many bytes a second pass, each way. */
  throttle(bytesPerSecond: number): void;
  /** New connections are refused. */
  refuse(): Promise<void>;
  /** All is well again; what a dark link held back is delivered now, as TCP would send it again. */
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

/** No new connections; those there are go on. */
function unlisten(server: Server): Promise<void> {
  server.close();
  return until(() => !server.listening, 'the proxy refuses connections');
}

/** A socket that has begun to end cannot be reset any more: Node would neither close it nor say so. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** How much one direction takes in before it stops reading: about what the sockets' own buffers are. */
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
