import type { BrowserContext, Page } from '@playwright/test';
import type * as gemsocket from 'gemsocket';
import type { session } from 'gemsocket/session';
import type { SharedClientOptions } from 'gemsocket/shared';
import type { Setting } from '../session/setting.js';
import type { Log, send } from '../session/talk.js';

/** What a tab has once `join` has run in it. */
export interface Tab {
  client: gemsocket.IWebsocketClient;
  log: Log;
  send: typeof send;
}

export interface JoinOptions extends Omit<SharedClientOptions, 'session' | 'signal' | 'onMessage'> {
  readonly hasSession?: boolean;
  /** Of the session. */
  readonly windowBytes?: number;
  /** Left out: the tab listens. */
  readonly isPolled?: boolean;
}

/** A tab of the context with a client of the shared connection, what it hears on record. */
export async function join(context: BrowserContext, setting: Setting, options: JoinOptions = {}): Promise<Page> {
  const page = await context.newPage();
  await page.goto(setting.origin);
  await joinIn(page, setting, options);
  return page;
}

export async function joinIn(page: Page, { proxy }: Setting, options: JoinOptions = {}): Promise<void> {
  await page.evaluate(
    async ([address, { hasSession, windowBytes, isPolled, ...given }]) => {
      const { connect } = (await import('/dist/shared.js' as string)) as typeof import('gemsocket/shared');
      const gem1 = (await import('/dist/session.js' as string)) as { session: typeof session };
      const talk = (await import('/talk.js' as string)) as typeof import('../session/talk.js');
      const options = windowBytes === undefined ? {} : { windowBytes };
      const client = await connect(address, { type: 'insecure', ...(hasSession ? { session: gem1.session(options) } : {}), ...given });
      const log = isPolled ? undefined : new talk.Log(client);
      if (isPolled) client.on('close', ({ code }) => Object.assign(globalThis, { closeCode: code }));
      Object.assign(globalThis, { client, log, send: talk.send });
    },
    [`ws://127.0.0.1:${proxy.port}`, { reconnect: { minDelayMs: 1, maxDelayMs: 20 }, ...options }] as const,
  );
}

/** A worker whose time passes ten times as fast, and no deadline that a busy machine could miss by it. */
export const HASTY = {
  shared: { worker: '/hasty-worker.js' },
  liveness: false,
  connectTimeoutMs: 200_000,
  closeTimeoutMs: 60_000,
} as const;

/** In one task the tab sends the first messages, does nothing else until the test calls the returned function, and sends the others. */
export async function beBusy(page: Page, messages: number): Promise<() => Promise<void>> {
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  await page.route('**/busy', async (route) => {
    begin();
    await finished;
    await route.fulfill({ body: '' });
  });
  const task = page.evaluate((count) => {
    const { client, send: sendIn } = globalThis as unknown as Tab;
    sendIn(client, 0, Math.floor(count / 2));
    const request = new XMLHttpRequest();
    request.open('GET', '/busy', false); // blocks the page
    request.send();
    sendIn(client, Math.floor(count / 2), count);
  }, messages);
  await begun;
  return () => {
    finish();
    return task;
  };
}

/** The tab sends a few messages in every task until the returned function is called, which says how many. */
export async function keepSending(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const { client, send: sendIn } = globalThis as unknown as Tab;
    const sending = Object.assign(globalThis, { sentMessages: 0, timer: 0 });
    sending.timer = setInterval(() => {
      sendIn(client, sending.sentMessages, sending.sentMessages + 20);
      sending.sentMessages += 20;
    }, 1) as unknown as number;
  });
  return () =>
    page.evaluate(() => {
      const { sentMessages, timer } = globalThis as unknown as { sentMessages: number; timer: number };
      clearInterval(timer);
      return sentMessages;
    });
}
