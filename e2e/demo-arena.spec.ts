import type { Page } from '@playwright/test';
import { anotherTab, expect, inArena, player, seen, sparkleSeen, takeName, test, wearRubellite } from './demo.js';

test.use({ section: 'arena', hasOwnServer: true });
test.slow(); // two tabs, and gems that move at the pace of a game

test('two tabs see each other: name, stone, and every move', async ({ page }) => {
  const other = await anotherTab(page);
  await takeName(page, 'Ada');
  await takeName(other, 'Grace');
  await expect(player(other, 'Ada')).toBeVisible();
  await expect(player(page, 'Grace')).toBeVisible();

  await page.bringToFront();
  await wearRubellite(page);
  await page.locator('#field').focus();
  const start = (await seen(page))?.x ?? 0;
  const [away, back, sign] = start > 450 ? ['ArrowLeft', 'KeyD', -1] : ['ArrowRight', 'KeyA', 1];
  /** How far to the chosen side of its start the gem is seen in a tab, in pixels. */
  const shift = async (tab: Page) => (((await seen(tab))?.x ?? start) - start) * sign;

  await page.keyboard.down(away);
  await expect.poll(() => shift(page)).toBeGreaterThan(120);
  await page.keyboard.up(away);
  await other.bringToFront(); // a tab that is covered draws nothing
  await expect.poll(() => shift(other)).toBeGreaterThan(100);

  await page.bringToFront();
  await page.keyboard.down(back);
  await expect.poll(() => shift(page)).toBeLessThan(20);
  await page.keyboard.up(back);
  await other.bringToFront();
  await expect.poll(() => shift(other)).toBeLessThan(40);
});

test('a page that is busy for six seconds when it connects reconnects, and gets into the arena', async ({ page }) => {
  await page.context().addInitScript(() => {
    const { send } = WebSocket.prototype;
    let busyMs = 6_000; // longer than the arena waits for the first message
    WebSocket.prototype.send = function (data) {
      const end = Date.now() + busyMs;
      busyMs = 0;
      while (Date.now() < end);
      send.call(this, data);
    };
  });
  const other = await anotherTab(page);
  await takeName(other, 'Grace');
  await expect(player(page, 'Grace')).toBeVisible();
});

test('players that join and leave are announced, and listed', async ({ page }) => {
  const other = await anotherTab(page);
  await takeName(other, 'Grace');
  await expect(page.locator('#news')).toContainText('joined');
  await expect(page.locator('#news')).toContainText('is now Grace');
  await other.close();
  await expect(page.locator('#news')).toContainText('Grace left');
  await expect(player(page, 'Grace')).toHaveCount(0);
});

test('a player whose connection is lost is shown as away, and keeps its gem until it reconnects', async ({ page, expectedErrors }) => {
  expectedErrors.push(/WebSocket connection to/, /WebSocket is already in CLOSING or CLOSED state/);
  const other = await page.context().newPage();
  const link = await cableOf(other);
  await other.goto(page.url());
  await inArena(other);
  await takeName(other, 'Grace');
  await page.bringToFront();
  await expect(player(page, 'Grace')).toBeVisible();

  link.cut();
  await expect(player(page, 'Grace')).toHaveClass('away');
  await expect(player(page, 'Grace')).toContainText('away');
  link.restore();
  await expect(player(page, 'Grace')).not.toHaveClass('away');
  await expect(page.locator('#news')).not.toContainText('Grace left');
  await expect(player(other, 'Grace')).toHaveClass('own');
});

test('a gem follows the pointer while it is held, and stops when it is released', async ({ page }) => {
  await wearRubellite(page);
  const box = await page.locator('#field').boundingBox();
  if (box === null) throw new Error('The field is not shown.');
  await page.mouse.move(box.x + 200, box.y + 150);
  await page.mouse.down();
  await expect.poll(async () => distance(await seen(page), { x: 200, y: 150 })).toBeLessThan(40);
  await page.mouse.up();
  await page.mouse.move(box.x + 700, box.y + 400);
  await expect.poll(async () => distance(await seen(page), { x: 200, y: 150 })).toBeLessThan(40);
});

test('a sparkle that is caught counts, for everyone to see', async ({ page }) => {
  const other = await anotherTab(page);
  await takeName(page, 'Ada');
  await page.bringToFront();
  const box = await page.locator('#field').boundingBox();
  if (box === null) throw new Error('The field is not shown.');
  let goal = { x: box.width / 2, y: box.height / 2 };
  await page.mouse.move(box.x + goal.x, box.y + goal.y);
  await page.mouse.down();
  const score = async () => Number(await page.locator('#score').textContent());
  // A bot may be faster: then the nearest sparkle is another.
  await expect
    .poll(async () => {
      goal = await sparkleSeen(page, goal);
      await page.mouse.move(box.x + goal.x, box.y + goal.y);
      return score();
    })
    .toBeGreaterThan(0);
  await expect.poll(async () => Number(await player(other, 'Ada').locator('.player-score').textContent())).toBeGreaterThan(0);
});

test('a tab that is covered goes on reading, and knows the score when it is seen again', async ({ page }) => {
  const other = await anotherTab(page);
  await other.bringToFront();
  const scores = async () => (await page.locator('#players .player-score').allTextContents()).join();
  const before = await scores();
  await expect.poll(scores).not.toBe(before);
});

test('bots keep the field alive while nobody plays', async ({ page }) => {
  await expect(page.locator('#players li', { hasText: 'bot' })).toHaveCount(4);
  const scores = async () =>
    (await page.locator('#players .player-score').allTextContents()).reduce((sum, score) => sum + Number(score), 0);
  const before = await scores();
  await expect.poll(scores).toBeGreaterThan(before);
});

test('name, stone and score are the tab’s own, and survive a reload', async ({ page }) => {
  const other = await anotherTab(page);
  await takeName(page, 'Ada');
  await page.getByRole('radio', { name: 'Emerald' }).check();
  await page.reload();
  await inArena(page);
  await expect(page.locator('#players .own')).toContainText('Ada');
  await expect(page.getByRole('radio', { name: 'Emerald' })).toBeChecked();
  await expect(other.locator('#players .own')).not.toContainText('Ada');
});

/** The connection of a page to the arena, which can be cut; until it is restored, new connections are closed. */
async function cableOf(page: Page): Promise<{ cut(): void; restore(): void }> {
  let isCut = false;
  const ends = new Set<{ close(options: { code: number }): unknown }>();
  await page.routeWebSocket(/\/arena$/, (socket) => {
    if (isCut) return void socket.close({ code: 3000 });
    const server = socket.connectToServer();
    ends.add(server).add(socket);
  });
  return {
    cut() {
      isCut = true;
      for (const end of ends) void end.close({ code: 3000 });
      ends.clear();
    },
    restore() {
      isCut = false;
    },
  };
}

function distance(a: { x: number; y: number } | undefined, b: { x: number; y: number }): number {
  return a === undefined ? Number.POSITIVE_INFINITY : Math.hypot(a.x - b.x, a.y - b.y);
}
