/** Animated pictures of a part of a page, as lossless WebP. img2webp, of the Debian package `webp`, encodes them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Twelve pictures a second: enough for the demo's animations, and few enough for a small file. */
const FRAME_MS = 83;
/** In pixels of the page, around the element. */
const MARGIN = 12;

/** @throws {Error} with the command that installs the encoder. */
export function ensureEncoder() {
  if (spawnSync('img2webp', ['-version']).error !== undefined) {
    throw new Error('img2webp is not installed, which encodes the animated pictures. Run: apt-get install webp');
  }
}

/**
 * Records an element while `act` runs.
 *
 * @param {import('playwright').Locator} element
 * @param {string} file
 * @param {() => Promise<void>} act
 */
export async function record(element, file, act) {
  const shoot = await camera(element);
  const frames = [];
  let isOver = false;
  const film = async () => {
    while (!isOver) {
      const at = performance.now();
      frames.push({ at, png: await shoot() });
      await wait(at + FRAME_MS - performance.now());
    }
  };
  const acting = act().finally(() => {
    isOver = true;
  });
  await Promise.all([acting, film()]);
  encode(frames, performance.now(), file);
}

/** Pictures of the element, with two pixels for each of the page. Only the DevTools protocol has `optimizeForSpeed`. */
async function camera(element) {
  const page = element.page();
  const box = await element.boundingBox();
  const scrolled = await page.evaluate(() => ({ x: scrollX, y: scrollY }));
  const clip = {
    x: Math.round(box.x + scrolled.x) - MARGIN,
    y: Math.round(box.y + scrolled.y) - MARGIN,
    width: Math.round(box.width) + 2 * MARGIN,
    height: Math.round(box.height) + 2 * MARGIN,
    scale: 2,
  };
  const chromium = await page.context().newCDPSession(page);
  return async () => {
    const { data } = await chromium.send('Page.captureScreenshot', { format: 'png', clip, optimizeForSpeed: true });
    return Buffer.from(data, 'base64');
  };
}

/** Each frame is shown until the next one was taken, so that the picture runs at the original speed. */
function encode(frames, endedAt, file) {
  const folder = mkdtempSync(join(tmpdir(), 'gemsocket-recording-'));
  try {
    const inputs = frames.flatMap(({ at, png }, index) => {
      const path = join(folder, `${index}.png`);
      writeFileSync(path, png);
      const until = frames[index + 1]?.at ?? endedAt;
      return ['-lossless', '-m', '6', '-d', String(Math.max(1, Math.round(until - at))), path];
    });
    const { status, stderr } = spawnSync('img2webp', ['-loop', '0', '-min_size', ...inputs, '-o', file], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`img2webp failed: ${stderr}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
