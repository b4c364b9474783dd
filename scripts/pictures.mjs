/** `npm run pictures`: takes docs/images anew, of the demo as `npm run build` has just built it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';

const DEBIAN_CHROMIUM = '/usr/bin/chromium';
/** Long enough for trails, catches and a few points; short of the round's end, which takes the points away. */
const PLAY_MS = 14_000;
/** The first one's page is the one in the pictures: it has the news of all who came after. */
const PLAYERS = [
  { name: 'Ada', stone: 'Ruby', keys: ['ArrowDown', 'ArrowLeft', 'ArrowUp', 'ArrowRight'] },
  { name: 'Grace', stone: 'Emerald', keys: ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp'] },
  { name: 'Hedy', stone: 'Rubellite', keys: ['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowDown'] },
];

const image = (name) => fileURLToPath(new URL(`../docs/images/${name}.png`, import.meta.url));

const demo = spawn(process.execPath, ['demo/server.mjs'], { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
const browser = await chromium.launch({
  ...(existsSync(DEBIAN_CHROMIUM) ? { executablePath: DEBIAN_CHROMIUM } : {}),
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const [line] = await once(createInterface(demo.stdout), 'line');
  const address = /http:\S+/.exec(line)[0];
  const pages = [];
  for (const player of PLAYERS) pages.push(await enter(address, player));
  await takeArena(pages);
  await takeCable(pages[0]);
} finally {
  await browser.close();
  demo.kill();
}

/** Each player has a browser context, as names and stones are kept in it. */
async function enter(address, { name, stone }) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1.5, colorScheme: 'dark' });
  await page.goto(`${address}/#arena`);
  await page.locator('#players .own').waitFor();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Name', { exact: true }).press('Enter');
  await page.getByRole('radio', { name: stone }).check();
  return page;
}

async function takeArena(pages) {
  const until = performance.now() + PLAY_MS;
  await Promise.all(pages.map((page, at) => play(page, PLAYERS[at].keys, until)));
  await take(pages[0], 'demo');
  for (const page of pages.slice(1)) await page.close();
}

/** Round and round. The last key stays down, so that the picture is of a game. */
async function play(page, keys, until) {
  await page.locator('#field').focus();
  for (let turn = 0; ; turn = (turn + 1) % keys.length) {
    await page.keyboard.down(keys[turn]);
    await wait(300 + 300 * Math.random());
    if (performance.now() > until) return;
    await page.keyboard.up(keys[turn]);
  }
}

async function takeCable(page) {
  await page.getByRole('navigation').getByRole('link', { name: 'Cable' }).click();
  await page.getByText('This page cut the cable once').waitFor();
  await wait(3_000);
  await page.locator('#cable-freeze').click();
  await page.getByText('Frozen.').waitFor();
  await page.getByText('All is well.').waitFor();
  await wait(1_000);
  await page.locator('#cable-freeze').blur();
  await page.mouse.move(0, 0);
  await take(page, 'cable');
}

/** With a palette of 256 colours, which these pictures can do with, a file has a third of its size. */
async function take(page, name) {
  await page.screenshot({ path: image(name) });
  const { error } = spawnSync('pngquant', ['--force', '--strip', '--speed', '1', '--output', image(name), image(name)]);
  if (error !== undefined) console.warn(`${name}.png is not compressed: pngquant is not installed.`);
}
