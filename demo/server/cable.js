import { connect } from 'node:net';

/** In each direction: about the latency between a phone and a server in a neighbouring country. */
const LATENCY_MS = 40;
const DELAY_MS = 500;
const FAULT_MS = 5_000;
/** A page has two; connections that a client abandoned may stay as long as a fault lasts. */
const MAX_CONNECTIONS = 16;
/** About the buffer of a socket. Above it, the sender is paused. */
const MAX_HELD_BYTES = 128 * 1024;

/** A TCP proxy to a port of this machine, which simulates the faults of a cable. It does not interpret the data. */
export class Cable {
  isFrozen = false;
  #isDelayed = false;
  #port;
  #connections = new Set();
  #frozenUntil = 0;
  #refusesUntil = 0;
  #thaw;

  constructor(port) {
    this.#port = port;
  }

  /** The present faults, and their remaining milliseconds. */
  get faults() {
    const left = (until) => Math.max(0, until - Date.now());
    return { frozenMs: left(this.#frozenUntil), refusedMs: left(this.#refusesUntil), isDelayed: this.#isDelayed };
  }

  get delayMs() {
    return LATENCY_MS + (this.#isDelayed ? DELAY_MS : 0);
  }

  /** Ends all connections at once, on both sides. Data in transit is lost. */
  cut() {
    for (const connection of this.#connections) connection.cut();
  }

  /** Holds all data for a while, without notice to either side. */
  freeze() {
    if (this.isFrozen) return;
    this.isFrozen = true;
    this.#frozenUntil = Date.now() + FAULT_MS;
    this.#thaw = setTimeout(() => {
      this.isFrozen = false;
      for (const connection of this.#connections) connection.resume();
    }, FAULT_MS);
  }

  /** Adds or removes the delay. */
  delay(isDelayed) {
    this.#isDelayed = isDelayed;
  }

  /** Cuts, and refuses new connections for a while. */
  refuse() {
    if (this.faults.refusedMs > 0) return;
    this.#refusesUntil = Date.now() + FAULT_MS;
    this.cut();
  }

  /** Takes over a socket whose HTTP upgrade has been read, and sends the upgrade to the far end, too. */
  carry(request, socket, head) {
    if (this.faults.refusedMs > 0 || this.#connections.size >= MAX_CONNECTIONS) {
      socket.destroy();
      return;
    }
    const far = connect({ port: this.#port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    socket.setNoDelay(true);
    const connection = new Connection(this, socket, far, Buffer.concat([headOf(request), head]));
    this.#connections.add(connection);
    connection.done.then(() => this.#connections.delete(connection));
  }

  close() {
    clearTimeout(this.#thaw);
    this.cut();
  }
}

class Connection {
  #sockets;
  #strands;

  constructor(cable, near, far, opening) {
    this.#sockets = [near, far];
    this.#strands = [new Strand(cable, near, far), new Strand(cable, far, near)];
    this.#strands[0].push(opening);
    this.done = Promise.all(this.#sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  }

  cut() {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    for (const strand of this.#strands) strand.clear();
  }

  resume() {
    for (const strand of this.#strands) strand.pass();
  }
}

const END = Symbol('end');
const CLOSE = Symbol('close');

/** One direction of a connection: bytes, end and close, each after the cable's delay and in order. */
class Strand {
  #cable;
  #from;
  #to;
  #queue = [];
  #heldBytes = 0;
  #timer;
  #isFull = false;

  constructor(cable, from, to) {
    this.#cable = cable;
    this.#from = from;
    this.#to = to;
    from.on('data', (bytes) => this.push(bytes));
    from.on('end', () => this.push(END));
    from.on('error', () => {}); // `close` follows
    from.on('close', () => this.push(CLOSE));
    to.on('drain', () => {
      this.#isFull = false;
      this.pass();
    });
  }

  push(parcel) {
    if (this.#to.destroyed) return;
    this.#queue.push({ parcel, dueAt: Date.now() + this.#cable.delayMs });
    this.#heldBytes += parcel.length ?? 0;
    if (this.#heldBytes > MAX_HELD_BYTES) this.#from.pause();
    this.pass();
  }

  /** Passes on the data that is due, and schedules the rest. */
  pass() {
    clearTimeout(this.#timer);
    while (this.#queue.length > 0 && !this.#isFull && !this.#cable.isFrozen) {
      const waitMs = this.#queue[0].dueAt - Date.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pass(), waitMs);
        return;
      }
      this.#hand(this.#queue.shift().parcel);
    }
  }

  clear() {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #hand(parcel) {
    if (parcel === END) this.#to.end();
    else if (parcel === CLOSE) this.#to.destroySoon();
    else {
      this.#heldBytes -= parcel.length;
      this.#isFull = !this.#to.write(parcel);
      if (this.#heldBytes <= MAX_HELD_BYTES) this.#from.resume();
    }
  }
}

/** The head of the request as received. Node has parsed it, so no part of it can inject another line. */
function headOf({ method, url, rawHeaders }) {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
