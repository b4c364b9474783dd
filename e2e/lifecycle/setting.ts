import type * as gemsocket from 'gemsocket';
import type { Served } from '../conformance/served.js';
import type { Tab } from '../engines/engine.js';

/** What `open` leaves in the page. */
interface Opened {
  client: gemsocket.IWebsocketClient;
  events: string[];
  /** Whether the page was in the page cache when it was last shown. */
  isFromCache: boolean;
}

/** A page with a connection, its events on record. It would wait for hours before it tried again of itself. */
export async function open(tab: Tab, server: Served, options: gemsocket.ClientOptions = {}, host = '127.0.0.1'): Promise<void> {
  const patient: gemsocket.ClientOptions = { reconnect: { minDelayMs: 36_000_000, maxDelayMs: 36_000_000 }, ...options };
  await tab.goto(server.origin);
  await tab.evaluate(
    async ([address, given]) => {
      const { connect } = (await import('/dist/browser.js' as string)) as typeof gemsocket;
      const client = await connect(address, { type: 'insecure', ...given });
      const events: string[] = [];
      client.on('state', (now) => events.push(now));
      client.on('reconnected', () => events.push('reconnected'));
      client.on('close', ({ code }) => events.push(`close ${code}`));
      Object.assign(globalThis, { client, events, isFromCache: false } satisfies Opened);
      addEventListener('pageshow', ({ persisted }) => Object.assign(globalThis, { isFromCache: persisted }));
    },
    [`ws://${host}:${server.port}/echo?key=page`, patient] as const,
  );
}

/** Undefined where the page is another than the one that `open` was called for. */
export const eventsOf = (tab: Tab): Promise<string[] | undefined> => tab.evaluate(() => (globalThis as unknown as Partial<Opened>).events);

export const isFromCache = (tab: Tab): Promise<boolean> =>
  tab.evaluate(() => (globalThis as unknown as Partial<Opened>).isFromCache === true);

/** The page is gone for good with this: no engine keeps one that is loaded anew. */
export const reload = (tab: Tab): Promise<void> =>
  tab.evaluate(() => {
    setTimeout(() => location.reload(), 50); // after the answer: Firefox loses one that a page left
  });

export const closeIn = (tab: Tab): Promise<void> =>
  tab.evaluate(async () => {
    await (globalThis as unknown as Opened).client.close();
  });

export const echoIn = (tab: Tab): Promise<gemsocket.Message | undefined> =>
  tab.evaluate(async () => {
    const { client } = globalThis as unknown as Opened;
    client.sendMessage('still here');
    for await (const message of client) return message;
    return undefined;
  });

interface ServerLog {
  readonly attempts: number;
  readonly connections: readonly { readonly closed?: { readonly code: number; readonly reason: string } }[];
}

/** What the server saw of the page, once it has seen as much. */
export async function logOf({ origin }: Served, awaited: object): Promise<ServerLog> {
  const response = await fetch(`${origin}/log?key=page&until=${encodeURIComponent(JSON.stringify(awaited))}`);
  return (await response.json()) as ServerLog;
}

/** Ends the page's connection without a close frame. */
export async function drop({ origin }: Served): Promise<void> {
  await fetch(`${origin}/do?key=page&steps=${encodeURIComponent('[{"drop":"end"}]')}`);
}
