/** `npm run pictures`: takes the pictures of docs/images again, from the demo that `npm run build` produced. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { ensureEncoder, record } from './recording.mjs';

const DEBIAN_CHROMIUM = '/usr/bin/chromium';
/** Long enough for trails, catches and a few points; shorter than a round, whose end resets the points. */
const PLAY_MS = 14_000;
/** The pictures show the first player's page, which has the messages about all later players. */
const PLAYERS = [
  { name: 'Ada', stone: 'Ruby', keys: ['ArrowDown', 'ArrowLeft', 'ArrowUp', 'ArrowRight'] },
  { name: 'Grace', stone: 'Emerald', keys: ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp'] },
  { name: 'Hedy', stone: 'Rubellite', keys: ['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowDown'] },
];

const image = (file) => fileURLToPath(new URL(`../docs/images/${file}`, import.meta.url));

ensureEncoder();
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
  for (const colorScheme of ['dark', 'light']) await recordCable(address, colorScheme);
} finally {
  await browser.close();
  demo.kill();
}

/** Each player has a browser context, because names and stones are stored in it. */
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

/** In circles. The last key stays pressed, so that the picture shows motion. */
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
  await freeze(page);
  await wait(1_000);
  await page.locator('#cable-freeze').blur();
  await page.mouse.move(0, 0);
  await take(page, 'cable');
}

/** The animated picture of the README: a cut, then a freeze. As wide as GitHub shows it, and without the rows that stay 0. */
async function recordCable(address, colorScheme) {
  const page = await browser.newPage({ viewport: { width: 860, height: 900 }, colorScheme });
  await page.goto(`${address}/#cable`);
  await page.locator('.cable-counts div:nth-child(n + 3)').evaluateAll((rows) => {
    for (const row of rows) row.style.display = 'none';
  });
  await page.locator('#cable-again').click(); // and no cut happens by itself
  await allOpen(page);
  await record(page.locator('.cable-main'), image(`cable-${colorScheme}.webp`), async () => {
    await wait(1_200);
    await page.locator('#cable-cut').click();
    await page.locator('#cable-session.resumed').waitFor();
    await allOpen(page);
    await wait(2_000);
    await freeze(page);
    await wait(3_500);
  });
  await page.close();
}

/** Resolves when the cable is restored and both clients have reconnected. */
async function freeze(page) {
  await page.locator('#cable-freeze').click();
  await page.locator('#cable-drawing[data-fault="frozen"]').waitFor();
  await allOpen(page);
}

async function allOpen(page) {
  await page.locator('#cable-drawing[data-fault="none"]:not(:has(.strand:not([data-state="open"])))').waitFor();
}

/** A palette of 256 colours is enough for these pictures and reduces a file to a third of its size. */
async function take(page, name) {
  const file = image(`${name}.png`);
  await page.screenshot({ path: file });
  const { error } = spawnSync('pngquant', ['--force', '--strip', '--speed', '1', '--output', file, file]);
  if (error !== undefined) console.warn(`${name}.png is not compressed: pngquant is not installed.`);
}
