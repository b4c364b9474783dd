import type { BrowserType, Page } from '@playwright/test';
import { limit } from '../../test/support/pace.js';
import type { Engine, Tab } from './engine.js';

/** A browser that Playwright drives. */
export async function startWithPlaywright(type: BrowserType, options: Parameters<BrowserType['launch']>[0]): Promise<Engine> {
  const browser = await type.launch({ ...options, timeout: limit(60_000) });
  return {
    async open() {
      return tabOf(await browser.newPage(), browser.version());
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** A page of Playwright's as a tab. */
export function tabOf(page: Page, version = ''): Tab {
  return {
    version,
    goto: async (url: string) => {
      await page.goto(url);
    },
    evaluate: <Result, Given>(call: (given: Given) => Result | Promise<Result>, given?: Given) =>
      page.evaluate(call as (given: unknown) => Result | Promise<Result>, given as unknown),
    [Symbol.asyncDispose]: () => page.close(),
  };
}
