import { anotherTab, expect, inArena, player, recordTexts, takeName, test } from './demo.js';

/** While the server is away, Chromium writes a line for every attempt. */
const REFUSED = /Unexpected response code: 503|WebSocket connection to/;

test.use({ section: 'arena', hasOwnServer: true });
test.slow(); // the server is away for ten seconds

test('the server stops and starts again: the page shows both calmly, and continues as before', async ({ page, demo, expectedErrors }) => {
  expectedErrors.push(REFUSED);
  const other = await anotherTab(page);
  await takeName(page, 'Ada');
  await page.bringToFront();
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(page.locator('#machine .node.lit')).toHaveText('open');
  const texts = await recordTexts(page);
  const otherTexts = await recordTexts(other);

  await page.getByRole('button', { name: 'Stop the server for 10 s' }).click();
  await expect.poll(() => awayMs(demo.url)).toBeGreaterThan(0);
  expect((await fetch(demo.url)).status).toBe(200);
  await expect.poll(() => texts('#banner')).toMatch(/Reconnecting automatically/);
  await expect.poll(() => texts('#banner')).toMatch(/Attempt \d+ in \d+\.\d s/);
  await expect.poll(() => texts('#link-state')).toContain('Arena reconnecting');
  await expect.poll(() => texts('#machine-caption')).toContain('reconnects automatically');
  await expect.poll(() => texts('#outage')).toMatch(/Server returns in \d+ s/);
  await expect.poll(() => otherTexts('#banner')).toMatch(/Reconnecting automatically/);

  await expect.poll(() => texts('#banner')).toContain('Connected again');
  await expect(page.locator('#link-state')).toHaveText('Arena open');
  await expect(player(page, 'Ada')).toHaveClass('own');
  await expect(player(other, 'Ada')).toBeVisible();
  await expect(page.locator('#machine .node.lit')).toHaveText('open');
  await expect(page.locator('#banner')).toBeHidden();
  await expect(page.getByRole('button', { name: 'Stop the server for 10 s' })).toBeEnabled();
});

test('a page that is opened while the server is away finds its way in by itself', async ({ page, expectedErrors }) => {
  expectedErrors.push(REFUSED);
  await page.addInitScript(() => {
    let isFirst = true;
    globalThis.WebSocket = class extends WebSocket {
      constructor(...dial: ConstructorParameters<typeof WebSocket>) {
        if (isFirst) stopServer(); // in the moment in which the page dials
        isFirst = false;
        super(...dial);
      }
    };
    function stopServer() {
      const request = new XMLHttpRequest();
      request.open('POST', '/outage', false);
      request.send();
    }
  });
  await page.reload({ waitUntil: 'commit' });
  const texts = await recordTexts(page);
  await expect.poll(() => texts('#banner')).toContain('Attempt');
  await expect.poll(() => texts('#outage')).toContain('Server returns in');
  await expect(page.locator('#players .own')).toBeVisible();
});

test('the pulse has a gap where there was no connection, and goes on', async ({ page, expectedErrors }) => {
  expectedErrors.push(REFUSED);
  await expect(page.locator('#rtt-now')).toHaveText(/^\d/);
  await expect(page.locator('#in-now')).toHaveText(/^[1-9]\d*$/);
  const texts = await recordTexts(page);
  await page.getByRole('button', { name: 'Stop the server for 10 s' }).click();
  await expect.poll(() => texts('#rtt-now')).toContain('–');
  await expect.poll(() => texts('#in-now')).toContain('–');
  await expect(page.locator('#rtt-now')).toHaveText(/^\d/);
});

test('only the demo’s own page may stop its server', async ({ demo, page }) => {
  const answer = await fetch(`${demo.url}/outage`, { method: 'POST', headers: { origin: 'http://elsewhere.example' } });
  expect(answer.status).toBe(403);
  await inArena(page);
  await expect(page.locator('#link-state')).toHaveText('Arena open');
});

async function awayMs(url: string): Promise<number> {
  return ((await (await fetch(`${url}/outage`)).json()) as { awayMs: number }).awayMs;
}
