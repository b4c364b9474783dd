import { existsSync } from 'node:fs';
import { chromium, type Page } from 'playwright';
import { onTestFinished } from 'vitest';

/** Debian's own Chromium where it is installed; otherwise the one that `npx playwright install chromium` brought. */
const debianChromium = '/usr/bin/chromium';

/** A page of a browser that ends with the present test. What the page logs as an error is in `errors`. */
export async function openPage(): Promise<{ page: Page; errors: string[] }> {
  const browser = await chromium.launch({
    ...(existsSync(debianChromium) ? { executablePath: debianChromium } : {}),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
    ],
  });
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (line) => {
    if (line.type() === 'error') errors.push(line.text());
  });
  return { page, errors };
}
