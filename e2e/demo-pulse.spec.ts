import type { Page } from '@playwright/test';
import { expect, test } from './demo.js';

test.use({ section: 'pulse' });

test('in the first minute, the time before the page was there is shaded', async ({ page }) => {
  await expect(page.locator('#rtt-now')).toHaveText(/^\d/);
  const shade = await shadeOfTheme(page);
  for (const plot of ['rtt-plot', 'rate-plot']) {
    await expect.poll(() => colorAt(page, plot, 0.05)).toBe(shade);
    await expect.poll(() => colorAt(page, plot, 0.999)).not.toBe(shade);
  }
});

test('a connection that never opened leaves the ground shaded', async ({ page }) => {
  await page.routeWebSocket(/\/echo/, (socket) => socket.close({ code: 4400 }));
  await page.reload();
  await expect(page.locator('#in-now')).toHaveText(/^[1-9]/);
  await expect.poll(() => colorAt(page, 'rtt-plot', 0.999)).toBe(await shadeOfTheme(page));
});

test('a connection without an answer is still one: its ground is not shaded', async ({ page }) => {
  await page.routeWebSocket(/\/echo/, (socket) => {
    socket.onMessage((first) => {
      socket.send(first);
      socket.onMessage(() => {}); // and no other is answered
    });
  });
  await page.reload();
  await expect(page.locator('#rtt-note')).toHaveText(/^Between/); // one was measured
  await expect(page.locator('#rtt-now')).toHaveText('–');
  await expect.poll(() => colorAt(page, 'rtt-plot', 0.999)).toBe('none');
});

function shadeOfTheme(page: Page): Promise<string> {
  return page.evaluate(() => {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.color = 'var(--gap)';
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  });
}

/** The colour of a plot's ground at a share of the time that it shows, between two lines of its grid. */
function colorAt(page: Page, plot: string, share: number): Promise<string> {
  return page.locator(`#${plot}`).evaluate((root, share) => {
    const canvas = root.querySelector('canvas');
    const over = root.querySelector<HTMLElement>('.u-over');
    if (canvas === null || over === null) throw new Error('There is no plot.');
    const ratio = canvas.width / canvas.clientWidth;
    const x = Math.floor((over.offsetLeft + over.offsetWidth * share) * ratio);
    const y = Math.floor((over.offsetTop + 3) * ratio);
    const [red, green, blue, alpha] = canvas.getContext('2d')?.getImageData(x, y, 1, 1).data ?? [];
    return alpha === 0 ? 'none' : `rgb(${red}, ${green}, ${blue})`;
  }, share);
}
