import { Tally } from '/shared/tally.js';
import { addressOf, typeOfPage } from '../dom.js';

/** The same for both: back soon, and a silent server is given up within 3 s, where the protocol can tell. */
const options = {
  reconnect: { minDelayMs: 400, maxDelayMs: 1_000 },
  liveness: { pingMs: 1_000, timeoutMs: 2_000 },
  connectTimeoutMs: 8_000,
};

/** This page's end of one of the two connections: it says numbers, and counts those that it hears. */
export class Side {
  client;
  #sent = 0;
  #heard = new Tally();
  /** The breaks that the client came back from with nothing missing, and what was sent again for that. */
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

  /** While reconnecting, too: both clients keep what they could not hand over yet. */
  say() {
    const { state } = this.client;
    if (state !== 'open' && state !== 'reconnecting') return;
    this.#sent += 1;
    this.client.sendMessage(String(this.#sent));
  }

  /**
   * Both directions, given what the server has counted: of what was sent, each message was received, or lost, or is on
   * its way. The server's count is a moment older than ours.
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
