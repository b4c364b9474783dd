import { Tally } from '/shared/tally.js';
import { addressOf, typeOfPage } from '../dom.js';

/** The same for both: fast reconnects, and a silent server is dropped within 3 s if the protocol can detect it. */
const options = {
  reconnect: { minDelayMs: 400, maxDelayMs: 1_000 },
  liveness: { pingMs: 1_000, timeoutMs: 2_000 },
  connectTimeoutMs: 8_000,
};

/** This page's end of one of the two connections: sends numbers, and counts received ones. */
export class Side {
  client;
  #sent = 0;
  #heard = new Tally();
  /** The disconnects after which no message was missing, and the number of messages sent again. */
  #resumed = { breaks: 0, replayed: 0 };

  constructor(bus, name, line) {
    const session = name === 'session' ? { session: Gemsocket.session() } : {};
    const address = addressOf(`/cable?line=${line}&as=${name}`);
    this.client = bus.createClient(address, (message) => this.#heard.take(message), typeOfPage(), { ...options, ...session });
    this.client.on('reconnected', ({ resumed, replayed }) => {
      if (!resumed) return;
      this.#resumed.breaks += 1;
      this.#resumed.replayed += replayed;
    });
  }

  /** Also sends while reconnecting: both clients keep unsent messages. */
  say() {
    const { state } = this.client;
    if (state !== 'open' && state !== 'reconnecting') return;
    this.#sent += 1;
    this.client.sendMessage(String(this.#sent));
  }

  /**
   * The sum of both directions, given the server's counters: each sent message is received, lost or in transit. The server's
   * counters are slightly older than ours.
   */
  score(server) {
    const heard = this.#heard.counts;
    const up = { sent: Math.max(this.#sent, server.highest), ...pick(server) };
    const down = { sent: Math.max(server.sent, heard.highest), ...pick(heard) };
    const sum = (name) => up[name] + down[name];
    const [sent, received, lost] = [sum('sent'), sum('received'), sum('lost')];
    const faults = { lost, duplicated: sum('duplicated'), disordered: sum('disordered') };
    return { sent, received, underWay: sent - received - lost, ...faults, lostUp: up.lost, lostDown: down.lost, ...this.#resumed };
  }
}

function pick({ received, lost, duplicated, disordered }) {
  return { received, lost, duplicated, disordered };
}
