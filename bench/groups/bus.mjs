/** The overhead of a call of the request bus over the direct call. */
import { WebsocketRequestBus } from 'gemsocket';
import { serve } from '../sides/gemsocket.mjs';

export const name = 'bus';
export const title = 'The request bus';
export const about = 'Nanoseconds for a call, with 100 clients on the bus: of the client itself, and of the bus, by client and by id.';
export const sides = ['direct', 'bus, by client', 'bus, by id'];
export const rows = [
  { key: 'isOpen', label: 'isConnectionOpen()', unit: 'ns', isAbsolute: true },
  { key: 'getMessage', label: 'getMessage()', unit: 'ns', isAbsolute: true },
];

const CLIENTS = 100;

/** Each loop is its own function, so that each is compiled separately. It returns the number of calls with the expected answer. */
const loops = {
  direct: {
    isOpen: (calls, { clients }) => {
      let seen = 0;
      for (let call = 0; call < calls; call++) if (clients[call % CLIENTS].isConnectionOpen()) seen += 1;
      return seen;
    },
    getMessage: (calls, { clients }) => {
      let seen = 0;
      for (let call = 0; call < calls; call++) if (clients[call % CLIENTS].getMessage() === undefined) seen += 1;
      return seen;
    },
  },
  'bus, by client': {
    isOpen: (calls, { bus, clients }) => {
      let seen = 0;
      for (let call = 0; call < calls; call++) if (bus.isConnectionOpen(clients[call % CLIENTS])) seen += 1;
      return seen;
    },
    getMessage: (calls, { bus, clients }) => {
      let seen = 0;
      for (let call = 0; call < calls; call++) if (bus.getMessage(clients[call % CLIENTS]) === undefined) seen += 1;
      return seen;
    },
  },
  'bus, by id': {
    isOpen: (calls, { bus, ids }) => {
      let seen = 0;
      for (let call = 0; call < calls; call++) if (bus.isConnectionOpen(ids[call % CLIENTS])) seen += 1;
      return seen;
    },
    getMessage: (calls, { bus, ids }) => {
      let seen = 0;
      for (let call = 0; call < calls; call++) if (bus.getMessage(ids[call % CLIENTS]) === undefined) seen += 1;
      return seen;
    },
  },
};

export const roles = {
  caller: async (_, side) => {
    const server = await serve(() => {});
    const bus = new WebsocketRequestBus();
    const opened = [];
    for (let made = 0; made < CLIENTS; made++) {
      const client = bus.createClient(`127.0.0.1:${server.port}`, undefined, 'insecure');
      opened.push(new Promise((resolve) => client.on('open', resolve)));
    }
    await Promise.all(opened);
    const clients = [...bus.clients.values()];
    const inputs = { bus, clients, ids: clients.map(({ id }) => id) };
    return { nsPerCall: (row, calls) => nsPerCall(loops[side][row], calls, inputs) };
  },
};

function nsPerCall(loop, calls, inputs) {
  const startedAt = performance.now();
  const seen = loop(calls, inputs);
  const ns = ((performance.now() - startedAt) * 1e6) / calls;
  if (seen !== calls) throw new Error('a call did not return the expected answer');
  return ns;
}

export async function measure({ start, isQuick }) {
  const caller = await start('caller');
  const calls = isQuick ? 100_000 : 1_000_000;
  const results = {};
  for (const { key } of rows) {
    await caller.call('nsPerCall', key, calls);
    results[key] = await caller.call('nsPerCall', key, calls);
  }
  return results;
}
