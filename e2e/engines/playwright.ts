import type { BrowserType } from '@playwright/test';
import type { Engine, Tab } from './engine.js';

/** A browser that Playwright drives. */
export async function startWithPlaywright(type: BrowserType, options: Parameters<BrowserType['launch']>[0]): Promise<Engine> {
  const browser = await type.launch(options);
  return {
    async open() {
      const page = await browser.newPage();
      return {
        version: browser.version(),
        goto: async (url: string) => {
          await page.goto(url);
        },
        evaluate: (call: () => unknown, given?: unknown) => page.evaluate(call, given as undefined),
        [Symbol.asyncDispose]: () => page.close(),
      } as Tab;
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
