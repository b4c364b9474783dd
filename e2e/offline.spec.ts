import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect, test } from '@playwright/test';
import { chromiumOptions } from '../test/support/browsers.js';
import { limit } from '../test/support/pace.js';
import { until } from '../test/support/until.js';
import { serve } from './conformance/served.js';
import type { Tab } from './engines/engine.js';
import { startWithPlaywright } from './engines/playwright.js';
import { drop, echoIn, eventsOf, open } from './lifecycle/setting.js';
import { logOf, open as openSession, peerOf, sendFrom, set } from './session/setting.js';
import { send } from './session/talk.js';

/*
 * A browser on a network of its own, whose link goes down and up again: the real `offline` and `online`. For that it takes
 * root and iproute2.
 */

const IP = '/sbin/ip';
const NAME = `gem${process.pid}`;
/** Of the block that RFC 2544 sets aside for tests, and another one in every process. */
const NET = `198.18.${process.pid % 256}`;
const [OURS, THEIRS] = [`${NET}.1`, `${NET}.2`];

function ip(...args: readonly string[]): void {
  execFileSync(IP, args, { stdio: 'pipe' });
}

/** Root in a container may have no right to. */
function canMakeNetworks(): boolean {
  try {
    ip('netns', 'add', NAME);
    ip('netns', 'del', NAME);
    return true;
  } catch {
    return false;
  }
}

/** A namespace with one link to this machine. */
async function makeNetwork() {
  const [near, far] = [`${NAME}n`, `${NAME}f`];
  const folder = await mkdtemp(join(tmpdir(), 'gemsocket-offline-'));
  const inside = (...args: readonly string[]) => ip('-n', NAME, ...args);
  ip('netns', 'add', NAME);
  const up = () => ip('link', 'set', near, 'up');
  const remove = async () => {
    ip('netns', 'del', NAME); // and with it the link
    await rm(folder, { recursive: true, force: true });
  };
  try {
    ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', NAME);
    ip('addr', 'add', `${OURS}/30`, 'dev', near);
    inside('addr', 'add', `${THEIRS}/30`, 'dev', far);
    inside('link', 'set', 'lo', 'up');
    inside('link', 'set', far, 'up');
    up();
    inside('route', 'add', 'default', 'via', OURS);
    const executablePath = join(folder, 'chromium');
    const program = chromiumOptions.executablePath ?? chromium.executablePath();
    await writeFile(executablePath, `#!/bin/sh\nexec ${IP} netns exec ${NAME} '${program}' "$@"\n`, { mode: 0o755 });
    const down = () => ip('link', 'set', near, 'down');
    return { executablePath, up, down, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** A port of the link that leads to one of loopback. */
async function forward(port: number) {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = dial(port, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => [client, target].map((each) => each.destroy()));
    }
    client.pipe(target).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, OURS, resolve));
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const isOnline = (tab: Tab) => tab.evaluate(() => navigator.onLine);

test.beforeEach(() => {
  const isAble = canMakeNetworks();
  if (!isAble) console.warn('NOT RUN: a test that takes the network from a browser, which needs root and iproute2');
  test.skip(!isAble, 'needs root and iproute2');
});

test('a connection that was lost is tried again as soon as the network is back, and not when its delay ends', async () => {
  await using server = await serve();
  await using network = await makeNetwork();
  await using way = await forward(server.port);
  await using engine = await startWithPlaywright(chromium, { ...chromiumOptions, executablePath: network.executablePath });
  await using tab = await engine.open();
  // It would wait for hours before it tried again of itself.
  await open(tab, { ...server, origin: `http://${OURS}:${way.port}`, port: way.port }, {}, OURS);
  expect(await isOnline(tab)).toBe(true);
  await drop(server);
  await expect.poll(() => eventsOf(tab)).toEqual(['reconnecting']);
  network.down();
  await until(async () => !(await isOnline(tab)), 'the browser is offline');
  network.up();
  await expect.poll(() => eventsOf(tab)).toEqual(['reconnecting', 'open', 'reconnected']);
  expect(await echoIn(tab)).toBe('still here');
});

test('a session goes on when the network is back: nothing is lost meanwhile', async () => {
  await using setting = await set();
  await using network = await makeNetwork();
  await using way = await forward(setting.proxy.port);
  await using pages = await forward(Number(new URL(setting.origin).port));
  await using engine = await startWithPlaywright(chromium, { ...chromiumOptions, executablePath: network.executablePath });
  await using tab = await engine.open();
  await tab.goto(`http://${OURS}:${pages.port}`);
  await openSession(tab, { proxy: way, host: OURS }, { liveness: { pingMs: limit(100), timeoutMs: limit(400) } });
  const peer = peerOf(setting);
  network.down();
  await until(async () => !(await isOnline(tab)), 'the browser is offline');
  await sendFrom(tab, 0, 500);
  send(peer.client, 0, 500);
  await until(async () => (await logOf(tab)).events.includes('reconnecting'), 'the page has noticed');
  network.up();
  await until(async () => (await logOf(tab)).heard === 500 && peer.log.heard === 500, 'each has heard the other');
  expect((await logOf(tab)).wrong).toEqual([]);
  expect(peer.log.wrong).toEqual([]);
  expect((await logOf(tab)).receipts.every(({ resumed, lost }) => resumed && lost === 0)).toBe(true);
  expect(setting.accepted).toHaveLength(1);
});
