import { presence } from '/lib/topics.dev.js';
import { ARENA } from '/shared/arena.js';

/** The presence of the players, by which the page knows whose connection is away. The data of a member is the id of its player. */
export class Players {
  /** Ids of the players that are away. */
  away = new Set();
  #connection;
  #changed;
  #client;
  #joined;

  constructor(connection, changed) {
    this.#connection = connection;
    this.#changed = changed;
  }

  /** The server has given this page a player. */
  async welcomed(id) {
    const { client } = this.#connection;
    if (client === this.#client) {
      const joined = await this.#joined;
      await joined?.update(id).catch(() => {}); // the connection has ended, and the welcome of the next one joins again
    } else {
      this.#client = client;
      this.#joined = this.#join(client, id);
    }
  }

  async #join(client, id) {
    try {
      const joined = await presence(client, ARENA, { data: id });
      const show = () => this.#show(joined.members);
      for (const event of ['join', 'leave', 'change']) joined.on(event, show);
      show();
      return joined;
    } catch {
      this.#client = undefined;
      return undefined;
    }
  }

  #show(members) {
    const away = [...members.values()].filter(({ state }) => state === 'away');
    this.away = new Set(away.map(({ data }) => data));
    this.#changed();
  }
}
