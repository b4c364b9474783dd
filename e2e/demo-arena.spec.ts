import { anotherTab, expect, inArena, player, seen, sparkleSeen, takeName, test, wearRubellite } from './demo.js';

test('two tabs see each other: name, stone, and every move', async ({ page }) => {
  const other = await anotherTab(page);
  await takeName(page, 'Ada');
  await takeName(other, 'Grace');
  await expect(player(other, 'Ada')).toBeVisible();
  await expect(player(page, 'Grace')).toBeVisible();

  await wearRubellite(page);
  await page.bringToFront();
  await page.locator('#field').focus();
  await page.keyboard.down('ArrowLeft');
  await expect.poll(async () => (await seen(page))?.x, { timeout: 10_000 }).toBeLessThan(150);
  await page.keyboard.up('ArrowLeft');
  await expect.poll(async () => (await seen(other))?.x).toBeLessThan(150);

  await page.keyboard.down('KeyD');
  await expect.poll(async () => (await seen(page))?.x, { timeout: 10_000 }).toBeGreaterThan(700);
  await page.keyboard.up('KeyD');
  await expect.poll(async () => (await seen(other))?.x).toBeGreaterThan(600);
});

test('who joins and who leaves is told, and listed', async ({ page }) => {
  const other = await anotherTab(page);
  await takeName(other, 'Grace');
  await expect(page.locator('#news')).toContainText('joined');
  await expect(page.locator('#news')).toContainText('is now Grace');
  await other.close();
  await expect(page.locator('#news')).toContainText('Grace left');
  await expect(player(page, 'Grace')).toHaveCount(0);
});

test('a gem follows the pointer while it is held, and stops when it is let go', async ({ page }) => {
  await wearRubellite(page);
  const box = await page.locator('#field').boundingBox();
  if (box === null) throw new Error('The field is not shown.');
  await page.mouse.move(box.x + 200, box.y + 150);
  await page.mouse.down();
  await expect.poll(async () => distance(await seen(page), { x: 200, y: 150 }), { timeout: 10_000 }).toBeLessThan(40);
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
  await expect(async () => {
    goal = await sparkleSeen(page, goal);
    await page.mouse.move(box.x + goal.x, box.y + goal.y);
    await expect.poll(score, { timeout: 4_000 }).toBeGreaterThan(0);
  }).toPass();
  await expect.poll(async () => Number(await player(other, 'Ada').locator('.player-score').textContent())).toBeGreaterThan(0);
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

function distance(a: { x: number; y: number } | undefined, b: { x: number; y: number }): number {
  return a === undefined ? Number.POSITIVE_INFINITY : Math.hypot(a.x - b.x, a.y - b.y);
}
