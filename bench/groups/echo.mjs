/** Round trips of text messages over one connection, by size and by the number of messages in transit at any time. */
export const name = 'echo';
export const title = 'Echo';
export const about = 'Messages a second that a client sends, the server echoes and the client receives, over one connection.';
export const sides = ['ws', 'uws', 'socket-io', 'gemsocket-plain', 'gemsocket-session'];

const loads = {
  '64x1': { bytes: 64, inFlight: 1, warmUp: 2_000, plain: 0.97, session: 0.9 },
  '64x100': { bytes: 64, inFlight: 100, warmUp: 20_000, plain: 2.5, session: 8 },
  '1024x100': { bytes: 1024, inFlight: 100, warmUp: 20_000, plain: 1.7, session: 3 },
  '16384x16': { bytes: 16384, inFlight: 16, warmUp: 3_000, plain: 1, session: 1 },
};
const sizeOf = (bytes) => (bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`);

const labelOf = ({ bytes, inFlight }) => `${sizeOf(bytes)} × ${inFlight} in flight`;

export const rows = [
  ...Object.entries(loads).map(([key, { plain, session, ...load }]) => ({
    key,
    label: labelOf(load),
    unit: 'a second',
    targets: { 'gemsocket-plain': { least: plain }, 'gemsocket-session': { least: session } },
  })),
  // Without a target, but steadier than a rate where other programs use the same cores.
  ...Object.entries(loads).map(([key, load]) => ({
    key: `${key}-cpu`,
    label: `${labelOf(load)}, CPU of both ends`,
    unit: 'µs',
    isDetail: true,
  })),
];

export const roles = {
  server: async (side) => {
    const server = await side.serve((text, peer) => server.send(peer, text));
    return { port: () => server.port };
  },
  client: async (side) => {
    let onMessage = () => {};
    let connection;
    return {
      connect: async (port) => {
        connection = await side.connect(port, (text) => onMessage(text));
      },
      echo: (load, until) =>
        echo(connection, load, until, (listener) => {
          onMessage = listener;
        }),
    };
  },
};

/**
 * Sends until as many messages have returned, or for as long, and then awaits those in transit.
 *
 * @returns the messages a second until then, and the number of all.
 */
async function echo(connection, { bytes, inFlight }, { messages = Infinity, ms }, listen) {
  const text = 'x'.repeat(bytes);
  let count = 0;
  let left = inFlight;
  let isOver = false;
  const startedAt = performance.now();
  let rate = 0;
  const end = () => {
    isOver = true;
    rate = (count / (performance.now() - startedAt)) * 1000;
  };
  if (ms !== undefined) setTimeout(end, ms);
  await new Promise((resolve) => {
    listen(() => {
      count += 1;
      if (count === messages) end();
      if (!isOver) connection.send(text);
      else if (--left === 0) resolve();
    });
    for (let sent = 0; sent < inFlight; sent++) connection.send(text);
  });
  return { rate, count };
}

export async function measure({ start, isQuick }) {
  const ms = isQuick ? 200 : 700;
  const [server, client] = [await start('server'), await start('client')];
  await client.call('connect', await server.call('port'));
  const results = {};
  for (const [key, load] of Object.entries(loads)) {
    await client.call('echo', load, { messages: load.warmUp });
    const before = await cpuUs(server, client);
    const { rate, count } = await client.call('echo', load, { ms });
    results[key] = rate;
    results[`${key}-cpu`] = ((await cpuUs(server, client)) - before) / count;
  }
  return results;
}

const cpuUs = async (server, client) => (await server.call('cpuUs')) + (await client.call('cpuUs'));
