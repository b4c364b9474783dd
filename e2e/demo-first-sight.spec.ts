import type { Page } from '@playwright/test';
import { expect, test } from './demo.js';

/** What a visitor meets who opens the page, and does nothing. */

test.use({ section: 'none' });

const COMMAND = 'npm install gemsocket';
const copyButton = (page: Page) => page.getByRole('button', { name: /^(Copy|Copied|Selected)$/ });
const faults = (page: Page) => page.locator('#receipts .receipt.fault');
const lost = async (page: Page, side: string) => Number(await page.locator(`#cable-${side} [data-count=lost]`).textContent());

/** Twenty numbers a second each way: far more time has passed than the page waits before it cuts. */
const manySent = (page: Page) =>
  expect.poll(async () => Number(await page.locator('#cable-session [data-count=sent]').textContent())).toBeGreaterThan(200);

test('the page describes the library and its installation, and the cable is in view', async ({ page }) => {
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('WebSockets for games and live applications');
  await expect(page.locator('#install-command')).toHaveText(COMMAND);
  await expect(page.locator('main > section').first()).toHaveAttribute('id', 'cable');
  await expect(page.locator('#cable-drawing')).toBeInViewport({ ratio: 1 });
  expect(await page.evaluate(() => scrollY)).toBe(0);
});

test.describe('the install command is copied', () => {
  /** What a paste brings is what was copied, whatever way the copy took. */
  async function pasted(page: Page): Promise<string> {
    await page.getByLabel('Address').fill('');
    await page.getByLabel('Address').press('ControlOrMeta+V');
    return page.getByLabel('Address').inputValue();
  }

  test('with the clipboard API', async ({ page, context }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await copyButton(page).click();
    await expect(copyButton(page)).toHaveText('Copied');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(COMMAND);
    await expect(copyButton(page)).toHaveText('Copy');
  });

  test('without it, as on an unencrypted page', async ({ page }) => {
    await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
    await page.reload();
    await copyButton(page).click();
    await expect(copyButton(page)).toHaveText('Copied');
    await expect(copyButton(page)).toBeFocused();
    expect(await pasted(page)).toBe(COMMAND);
  });

  test('where neither is allowed, it is selected for the visitor to copy', async ({ page }) => {
    await page.addInitScript(() => {
      Object.defineProperty(navigator, 'clipboard', { value: undefined });
      document.execCommand = () => false;
    });
    await page.reload();
    await copyButton(page).click();
    await expect(copyButton(page)).toHaveText('Selected');
    expect(await page.evaluate(() => getSelection()?.toString())).toBe(COMMAND);
  });
});

test.describe('the first cut', () => {
  test.describe('with motion', () => {
    test.use({ contextOptions: { reducedMotion: 'no-preference' } });

    test('comes by itself, and shows how each client reacts', async ({ page }) => {
      await expect(page.locator('#cable-caption')).toContainText(/The first cut happens automatically in \d s/);
      await expect(faults(page)).toHaveText(/This page cut the cable once/);
      await expect(page.locator('#receipts .receipt.session')).toContainText(/resumed\s*true.*lost\s*0/);
      await expect(page.locator('#receipts .receipt.plain')).toContainText(/resumed\s*false.*lost\s*unknown/);
      await expect.poll(() => lost(page, 'plain')).toBeGreaterThan(0);
      expect(await lost(page, 'session')).toBe(0);
    });

    test('comes once, not again after starting over', async ({ page }) => {
      await expect(faults(page)).toHaveCount(1);
      await page.getByRole('button', { name: 'Start over' }).click();
      await manySent(page);
      await expect(faults(page)).toHaveCount(0);
    });

    test('does not come when the visitor was faster', async ({ page }) => {
      await page.getByRole('button', { name: 'Delay 500 ms' }).click();
      await manySent(page);
      await expect(faults(page)).toHaveText([/Everything takes 500 ms longer/]);
    });
  });

  test('does not come to a visitor who asked for less motion: the page explains it instead', async ({ page }) => {
    await expect(page.getByText('does not cut the cable automatically')).toBeVisible();
    await manySent(page);
    await expect(faults(page)).toHaveCount(0);
  });
});
