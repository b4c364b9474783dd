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
    async ([address, { hasSession, isPolled, ...given }]) => {
      const { connect } = (await import('/dist/shared.js' as string)) as typeof import('gemsocket/shared');
      const gem1 = (await import('/dist/session.js' as string)) as { session: typeof session };
      const talk = (await import('/talk.js' as string)) as typeof import('../session/talk.js');
      const client = await connect(address, { type: 'insecure', ...(hasSession ? { session: gem1.session() } : {}), ...given });
      const log = isPolled ? undefined : new talk.Log(client);
      if (isPolled) client.on('close', ({ code }) => Object.assign(globalThis, { closeCode: code }));
      Object.assign(globalThis, { client, log, send: talk.send });
    },
    [`ws://127.0.0.1:${proxy.port}`, { reconnect: { minDelayMs: 1, maxDelayMs: 20 }, ...options }] as const,
  );
}
