import { chromium, type Page } from 'playwright';
import { onTestFinished } from 'vitest';
import { chromiumOptions } from '../support/browsers.js';
import { limit } from '../support/pace.js';

/** A page in a browser that is closed after the present test. `errors` has the errors that the page logs. */
export async function openPage(): Promise<{ page: Page; errors: string[] }> {
  const browser = await chromium.launch({ ...chromiumOptions, timeout: limit(30_000) });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(limit(30_000));
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (line) => {
    if (line.type() === 'error') errors.push(line.text());
  });
  return { page, errors };
}
