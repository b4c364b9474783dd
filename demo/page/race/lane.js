import { typeOfPage } from '../dom.js';

/** Opens the connection of each lane; `returned` is called for each message that the server returns, `lost` when it closes. */
const openers = { native: openNative, plain: openClient, session: openSession };

/** One connection of the race. It sends in turns, and adds up the time that its turns took. */
export class Lane {
  name;
  /** The messages that have returned. */
  done = 0;
  #ms = 0;
  #connection;
  #returned = () => {};
  #error;
  #fail = () => {};

  constructor(name) {
    this.name = name;
  }

  async open(url) {
    this.#connection = await openers[this.name](
      url,
      () => this.#returned(),
      () => this.#lost(),
    );
  }

  close() {
    this.#connection?.close();
  }

  get perSecond() {
    return this.#ms === 0 ? 0 : (this.done / this.#ms) * 1000;
  }

  /** Discards the counts of the first turn, in which the browser compiles the code. */
  reset() {
    this.done = 0;
    this.#ms = 0;
  }

  /** Keeps `inFlight` messages in flight for a turn of `turnMs`, and waits until the last of them has returned. */
  run({ text, inFlight, messages }, turnMs) {
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) throw this.#error;
      const startedAt = performance.now();
      let waiting = 0;
      const goesOn = () => this.done + waiting < messages && performance.now() - startedAt < turnMs;
      const send = () => {
        waiting += 1;
        this.#connection.send(text);
      };
      this.#fail = reject;
      this.#returned = () => {
        waiting -= 1;
        this.done += 1;
        if (goesOn()) send();
        if (waiting > 0) return;
        this.#ms += performance.now() - startedAt;
        resolve();
      };
      while (waiting < inFlight && goesOn()) send();
    });
  }

  /** Ends the present turn, or the next one. */
  #lost() {
    this.#error = new Error(`The connection of the lane “${this.name}” was lost.`);
    this.#fail(this.#error);
  }
}

function openNative(url, returned, lost) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve({ send: (text) => socket.send(text), close: () => socket.close() });
    socket.onmessage = returned;
    socket.onclose = () => {
      reject(new Error('The browser could not connect.'));
      lost();
    };
  });
}

async function openClient(url, returned, lost, options = {}) {
  const client = await Gemsocket.connect(url, { type: typeOfPage(), reconnect: false, onMessage: returned, ...options });
  client.on('close', lost);
  return { send: (text) => client.sendMessage(text), close: () => client.close() };
}

function openSession(url, returned, lost) {
  return openClient(url, returned, lost, { session: Gemsocket.session() });
}
