/** The browser's own WebSocket against our client in the same browser. */
import { withPage } from '../browsers.mjs';
import { answeringServers } from '../stream-peers.mjs';
import { streams } from '../streams.mjs';

export const name = 'browser';
export const title = 'In a browser';
export const about =
  "Messages of 64 B a second that a page sends and receives, against the browser's own WebSocket, whose server is ws. A sender waits while its buffer is full.";
export const sides = ['native', 'gemsocket-plain', 'gemsocket-session'];
export const rounds = 5;

/** Messages of one measurement: about half a second of each. */
const totals = {
  native: { sending: 10_000, receiving: 10_000, 'round trips': 500 },
  'gemsocket-plain': { sending: 10_000, receiving: 10_000, 'round trips': 500 },
  'gemsocket-session': { sending: 200_000, receiving: 200_000, 'round trips': 500 },
};
const targets = { 'gemsocket-plain': { least: 1 }, 'gemsocket-session': { least: 25 } };
const browsers = { chromium: 'Chromium', firefox: 'Firefox' };

export const rows = Object.entries(browsers).flatMap(([browser, label]) =>
  Object.keys(streams).map((stream) => ({
    key: `${browser} ${stream}`,
    label: `${label}, ${stream}`,
    unit: 'a second',
    ...(browser === 'chromium' && stream !== 'round trips' ? { targets } : {}),
  })),
);

export const roles = answeringServers;

export async function measure({ side, start, isQuick }) {
  const server = await start(side === 'native' ? 'ws' : 'gemsocket');
  const url = `ws://127.0.0.1:${await server.call('port')}`;
  const results = {};
  for (const browser of Object.keys(browsers)) {
    await withPage(browser, async (page) => {
      await page.evaluate((args) => globalThis.openPeer(...args), [side, url]);
      for (const [stream, total] of Object.entries(totals[side])) {
        const run = (messages) => page.evaluate((args) => globalThis.stream(...args), [stream, messages]);
        await run(total / 4);
        results[`${browser} ${stream}`] = await run(isQuick ? total / 4 : total);
      }
    });
  }
  return results;
}
