import type { Page } from '@playwright/test';
import { expect, test } from './demo.js';

const received = (page: Page) => page.locator('#log .entry.in');
const lit = (page: Page) => page.locator('#machine .node.lit');

async function connect(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(lit(page)).toHaveText('open');
}

test('before anything is dialled the machine is idle, and nothing can be sent or closed', async ({ page }) => {
  await expect(lit(page)).toHaveText('idle');
  await expect(page.getByRole('button', { name: 'Send' })).toBeDisabled();
  await expect(page.getByRole('button', { name: 'Close' })).toBeDisabled();
});

test('text is echoed as text, with its size in bytes of UTF-8', async ({ page }) => {
  await connect(page);
  await expect(page.locator('#log')).toContainText('subprotocol “echo”');
  await page.getByLabel('Text message').fill('Grüße');
  await page.getByLabel('Text message').press('Enter');
  await expect(received(page)).toContainText(['Grüße']);
  await expect(received(page).locator('.kind')).toHaveText(['text']);
  await expect(received(page).locator('.size')).toHaveText(['7 B']);
  await expect(received(page).locator('time')).toHaveText([/^\d\d:\d\d:\d\d\.\d{3}$/]);
});

test('bytes are echoed as bytes, and other input is refused with a sentence', async ({ page }) => {
  await connect(page);
  await page.getByText('Bytes', { exact: true }).click();
  await page.getByLabel('Bytes in hexadecimal').fill('67 65 6d 0');
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(page.locator('#composer-note')).toContainText('Two hexadecimal digits for each byte');
  await expect(received(page)).toHaveCount(0);
  await page.getByLabel('Bytes in hexadecimal').fill('67 65 6d 00 ff');
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(received(page).locator('.kind')).toHaveText(['binary']);
  await expect(received(page)).toContainText(['67 65 6d 00 ff  gem..']);
});

test('a file travels whole, as one binary message', async ({ page }) => {
  await connect(page);
  await page.getByText('File', { exact: true }).click();
  await page
    .getByLabel('A file')
    .setInputFiles({ name: 'gem.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(100_000, 7) });
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(page.locator('#log .entry.out')).toContainText(['gem.bin']);
  await expect(received(page).locator('.size')).toHaveText(['97.7 KiB']);
});

test('a file that the server finds too big ends the connection with 1009, and the log says so', async ({ page }) => {
  await page.getByLabel('Reconnect after a disconnect').uncheck();
  await connect(page);
  await page.getByText('File', { exact: true }).click();
  await page
    .getByLabel('A file')
    .setInputFiles({ name: 'big.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(1024 * 1024 + 1) });
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(page.locator('#log')).toContainText('Closed with 1009');
  await expect(lit(page)).toHaveText('closed');
});

test('the close code and the reason are the visitor’s, and are shown', async ({ page }) => {
  await connect(page);
  await page.getByLabel('Close code').fill('4321');
  await page.getByLabel('Reason').fill('Enough for today');
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(page.locator('#log')).toContainText('Closed with 4321 (Enough for today), cleanly');
  await expect(lit(page)).toHaveText('closed');
  await expect(page.locator('#machine .taken')).toContainText('answered');
  await expect(page.getByRole('status').filter({ hasText: 'The connection is closed.' })).toBeVisible();
});

test('a close code that nobody may send is explained, and the connection stays', async ({ page }) => {
  await connect(page);
  await page.getByLabel('Close code').fill('999');
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(page.getByRole('alert')).toContainText('INVALID_CLOSE');
  await expect(page.getByRole('alert')).toContainText('Use 1000 or 3000 to 4999.');
  await expect(lit(page)).toHaveText('open');
});

test('an unencrypted address with the secure type is refused, and one press sets it right', async ({ page }) => {
  await page.getByRole('button', { name: 'unencrypted' }).click();
  await expect(page.getByRole('alert')).toContainText('That address is not encrypted');
  await expect(page.getByRole('alert')).toContainText('INSECURE_ADDRESS');
  await page.getByRole('button', { name: 'Use the type insecure' }).click();
  await expect(lit(page)).toHaveText('open');
  await expect(page.getByRole('alert')).toBeEmpty();
});

test('an address without a server fails with advice', async ({ page, expectedErrors }) => {
  expectedErrors.push(/localhost:49151/);
  await page.getByRole('button', { name: 'no server' }).click();
  await expect(page.getByRole('alert')).toContainText('CONNECT_FAILED');
  await expect(page.getByRole('alert')).toContainText('check the server');
  // Once, although promise, event and close all tell it.
  await expect(page.locator('#log .entry', { hasText: 'check the server' })).toHaveCount(1);
  await expect(lit(page)).toHaveText('closed');
});

test('an address that is none is explained', async ({ page }) => {
  await page.getByLabel('Address').fill('http://example.com');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('is not wss:// or ws://');
});

test('the last message arrives before the close, also when both come at once, and that is the end', async ({ page }) => {
  await expect(page.getByLabel('Reconnect after a disconnect')).toBeChecked();
  await page.getByRole('button', { name: 'last message' }).click();
  const entries = page.locator('#log .entry');
  await expect(entries.last()).toContainText('Closed with 4410 (Nothing more to say), cleanly');
  await expect(received(page)).toContainText(['This is the last message']);
  await expect(lit(page)).toHaveText('closed');
});

test('the clock tells text from bytes', async ({ page }) => {
  await page.getByRole('button', { name: 'clock' }).click();
  await expect(received(page).locator('.kind').nth(0)).toHaveText('text');
  await expect(received(page).locator('.kind').nth(1)).toHaveText('binary');
});

test('the log is bounded, and counts the lines that it no longer shows', async ({ page }) => {
  await connect(page);
  await page.getByLabel('Text message').evaluate((field: HTMLTextAreaElement) => {
    for (let i = 0; i < 110; i++) {
      field.value = `Message ${i}`;
      field.form?.requestSubmit();
    }
  });
  await expect(page.locator('#log-totals')).toContainText('↓ 110');
  await expect(page.locator('#log .entry')).toHaveCount(200);
  await expect(page.locator('#log-totals')).toContainText('21 older not shown');
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(page.locator('#log .entry')).toHaveCount(0);
});
