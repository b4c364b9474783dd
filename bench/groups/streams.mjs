/** Long streams of messages in one direction, from Node to Node. */
import { answeringServers, openers } from '../stream-peers.mjs';
import { streams } from '../streams.mjs';

export const name = 'streams';
export const title = 'Streams';
export const about =
  'Messages of 64 B a second in one direction, over one connection from Node to Node. A sender waits while its buffer is full.';
export const sides = ['ws', 'gemsocket-plain', 'gemsocket-session'];
export const rows = ['sending', 'receiving'].map((key) => ({ key, label: key, unit: 'a second' }));

const MESSAGES = 100_000;

export const roles = {
  ...answeringServers,
  client: async (_, side) => {
    let peer;
    return {
      open: async (url) => {
        peer = await openers[side](url);
      },
      stream: (key, total) => streams[key](total, peer),
    };
  },
};

export async function measure({ side, start, isQuick }) {
  const [server, client] = [await start(side === 'ws' ? 'ws' : 'gemsocket'), await start('client')];
  await client.call('open', `ws://127.0.0.1:${await server.call('port')}`);
  const results = {};
  for (const { key } of rows) {
    await client.call('stream', key, MESSAGES / 4);
    results[key] = await client.call('stream', key, isQuick ? MESSAGES / 4 : MESSAGES);
  }
  return results;
}
