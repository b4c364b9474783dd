import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { chromiumOptions } from '../../test/support/browsers.js';
import { connectDevtools, type Send } from '../../test/support/devtools.js';
import { start } from '../../test/support/programs.js';
import { until } from '../../test/support/until.js';
import type { Tab } from './engine.js';

/** A tab of Chromium as a user has it: for Playwright every page is in front, always. */
export interface BackgroundTab extends Tab {
  /** Another tab comes before it. */
  hide(): Promise<void>;
  show(): Promise<void>;
  freeze(): Promise<void>;
  resume(): Promise<void>;
}

/** Chromium with one tab, by the DevTools protocol. */
export async function openBackgroundTab(args: readonly string[] = []): Promise<BackgroundTab> {
  const profile = await mkdtemp(join(tmpdir(), 'gemsocket-chromium-'));
  const browser = start(chromiumOptions.executablePath ?? chromium.executablePath(), [
    ...chromiumOptions.args,
    ...['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, ...args, 'about:blank'],
  ]);
  const end = async () => {
    await browser.kill();
    await rm(profile, { recursive: true, force: true, maxRetries: 10 });
  };
  try {
    const address = () => /listening on (ws:\S+)/.exec(browser.output)?.[1];
    await until(() => address() !== undefined, 'Chromium listens', 30_000);
    return await tabOf(await connectDevtools(address() ?? ''), end);
  } catch (error) {
    await end();
    throw error;
  }
}

async function tabOf(send: Send, end: () => Promise<void>): Promise<BackgroundTab> {
  const { product } = await send('Browser.getVersion');
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const evaluate = async <Value, Given = undefined>(call: (given: Given) => Value | Promise<Value>, given?: Given) => {
    const expression = `(${call.toString()})(${JSON.stringify(given) ?? ''})`;
    const answer = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, sessionId);
    if (answer.exceptionDetails !== undefined) throw new Error(JSON.stringify(answer.exceptionDetails));
    return answer.result.value as Value;
  };
  const shows = (state: string) => until(async () => (await evaluate(() => document.visibilityState)) === state, `the page is ${state}`);
  const setState = async (state: string) => void (await send('Page.setWebLifecycleState', { state }, sessionId));
  return {
    version: product,
    evaluate,
    async goto(url) {
      await send('Page.navigate', { url }, sessionId);
      await until(() => evaluate((there) => location.href.startsWith(there) && document.readyState === 'complete', url), `${url} is there`);
    },
    async hide() {
      const other = await send('Target.createTarget', { url: 'about:blank' });
      await send('Target.activateTarget', { targetId: other.targetId });
      await shows('hidden');
    },
    async show() {
      await send('Target.activateTarget', { targetId });
      await shows('visible');
    },
    freeze: () => setState('frozen'),
    resume: () => setState('active'),
    [Symbol.asyncDispose]: end,
  };
}
