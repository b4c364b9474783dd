import type { BrowserType } from '@playwright/test';
import type { Engine } from './engine.js';

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
        evaluate: <Result, Given>(call: (given: Given) => Result | Promise<Result>, given?: Given) =>
          page.evaluate(call as (given: unknown) => Result | Promise<Result>, given as unknown),
        [Symbol.asyncDispose]: () => page.close(),
      };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
