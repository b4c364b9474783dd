import { anotherTab, expect, inArena, player, takeName, test } from './demo.js';

/** While the server is away, Chromium writes a line for every attempt. */
const REFUSED = /Unexpected response code: 503|WebSocket connection to/;

test.setTimeout(60_000);

test('the server goes away and comes back: the page says so calmly, and all is as before', async ({ page, demo, expectedErrors }) => {
  expectedErrors.push(REFUSED);
  const other = await anotherTab(page);
  await takeName(page, 'Ada');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(page.locator('#machine .node.lit')).toHaveText('open');

  await page.getByRole('button', { name: 'Stop the server for 10 s' }).click();
  const banner = page.locator('#banner');
  await expect(banner).toContainText('Reconnecting by itself');
  await expect(banner).toContainText(/Attempt \d+ in \d+\.\d s/);
  await expect(page.locator('#link-state')).toHaveText('Arena reconnecting');
  await expect(page.locator('#machine .node.lit')).toHaveText('reconnecting');
  await expect(page.locator('#outage')).toContainText(/Server returns in \d+ s/);
  await expect(other.locator('#banner')).toBeVisible();
  expect((await fetch(demo.url)).status).toBe(200);

  await expect(banner).toContainText('Connected again', { timeout: 20_000 });
  await expect(page.locator('#link-state')).toHaveText('Arena open');
  await expect(player(page, 'Ada')).toHaveClass('own');
  await expect(player(other, 'Ada')).toBeVisible({ timeout: 10_000 });
  await expect(page.locator('#machine .node.lit')).toHaveText('open', { timeout: 10_000 });
  await expect(banner).toBeHidden({ timeout: 10_000 });
  await expect(page.getByRole('button', { name: 'Stop the server for 10 s' })).toBeEnabled();
});

test('a page that is opened while the server is away finds its way in by itself', async ({ page, expectedErrors }) => {
  expectedErrors.push(REFUSED);
  await page.getByRole('button', { name: 'Stop the server for 10 s' }).click();
  await expect(page.locator('#banner')).toBeVisible();
  await page.reload();
  await expect(page.locator('#banner')).toContainText('Attempt');
  await expect(page.locator('#outage')).toContainText('Server returns in');
  await expect(page.locator('#players .own')).toBeVisible({ timeout: 20_000 });
});

test('the pulse has a gap where there was no connection, and goes on', async ({ page, expectedErrors }) => {
  expectedErrors.push(REFUSED);
  await expect(page.locator('#rtt-now')).toHaveText(/^\d/);
  await expect(page.locator('#in-now')).toHaveText(/^[1-9]\d*$/);
  await page.getByRole('button', { name: 'Stop the server for 10 s' }).click();
  await expect(page.locator('#rtt-now')).toHaveText('–');
  await expect(page.locator('#in-now')).toHaveText('–');
  await expect(page.locator('#rtt-now')).toHaveText(/^\d/, { timeout: 20_000 });
});

test('only the demo’s own page may stop its server', async ({ demo, page }) => {
  const answer = await fetch(`${demo.url}/outage`, { method: 'POST', headers: { origin: 'http://elsewhere.example' } });
  expect(answer.status).toBe(403);
  await inArena(page);
  await expect(page.locator('#link-state')).toHaveText('Arena open');
});
