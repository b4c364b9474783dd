import { expect } from '@playwright/test';
import type * as gemsocket from 'gemsocket';
import { listen, type ServerClient, type ServerOptions, type WebsocketServer } from 'gemsocket/server';
import type { session } from 'gemsocket/session';
import type * as websocketStream from 'gemsocket/websocket-stream';
import { type FaultyProxy, startProxy } from '../../test/support/proxy.js';
import { serve } from '../conformance/served.js';
import type { Tab } from '../engines/engine.js';
import { Log, type send } from './talk.js';

/** What a page has once `open` has run in it. */
interface Opened {
  client: gemsocket.IWebsocketClient;
  log: Log;
  send: typeof send;
}

/** A page with a session, its server in this process, and between them a link that the test can break. */
export interface Setting extends AsyncDisposable {
  readonly origin: string;
  readonly proxy: FaultyProxy;
  server: WebsocketServer;
  /** The server's ends, one for each `connection`, with what they heard. */
  readonly accepted: { readonly client: ServerClient; readonly log: Log }[];
  /** Ends the server and starts another on its port: it knows nothing of what was. */
  restart(): Promise<void>;
}

export async function set(options: ServerOptions = {}): Promise<Setting> {
  const accepted: Setting['accepted'] = [];
  const start = async (port: number) => {
    const server = await listen('127.0.0.1', port, { origins: '*', ...options });
    server.on('connection', (client) => accepted.push({ client, log: new Log(client) }));
    return server;
  };
  const files = await serve();
  const server = await start(0);
  const proxy = await startProxy(server.port);
  const setting: Setting = {
    origin: files.origin,
    proxy,
    server,
    accepted,
    async restart() {
      const { port } = setting.server;
      await setting.server.close({ graceMs: 1 });
      setting.server = await start(port);
    },
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await setting.server.close({ graceMs: 1 });
      await files.close();
    },
  };
  return setting;
}

/** The only connection of the server. */
export function peerOf({ accepted }: Setting): Setting['accepted'][0] {
  expect(accepted).toHaveLength(1);
  return accepted[0] as Setting['accepted'][0];
}

export type Transport = 'WebSocket' | 'WebSocketStream';

/** Opens a session in the page, with what it hears on record. */
export async function open(
  page: Pick<Tab, 'evaluate'>,
  { proxy, host = '127.0.0.1' }: { readonly proxy: { readonly port: number }; readonly host?: string },
  options: gemsocket.ClientOptions = {},
  transport: Transport = 'WebSocket',
): Promise<void> {
  await page.evaluate(
    async ([address, given, way]) => {
      const { connect } = (await import('/dist/browser.js' as string)) as typeof gemsocket;
      const { webSocketStream } = (await import('/dist/websocket-stream.js' as string)) as typeof websocketStream;
      const gem1 = (await import('/dist/session.js' as string)) as { session: typeof session };
      const talk = (await import('/talk.js' as string)) as typeof import('./talk.js');
      const over = way === 'WebSocketStream' ? webSocketStream() : undefined;
      const client = await connect(address, { type: 'insecure', session: gem1.session(), transport: over, ...given });
      Object.assign(globalThis, { client, log: new talk.Log(client), send: talk.send } satisfies Opened);
    },
    [`ws://${host}:${proxy.port}`, { reconnect: { minDelayMs: 1, maxDelayMs: 20 }, ...options }, transport] as const,
  );
}

/** The page sends the messages of these numbers in one turn. */
export const sendFrom = (page: Pick<Tab, 'evaluate'>, from: number, to: number): Promise<void> =>
  page.evaluate(
    ([first, end]) => {
      const { client, send: sendIn } = globalThis as unknown as Opened;
      sendIn(client, first, end);
    },
    [from, to] as const,
  );

/** What the page has heard and was told. */
export const logOf = (page: Pick<Tab, 'evaluate'>): Promise<Log> =>
  page.evaluate(() => ({ ...(globalThis as unknown as Opened).log }) as Log);

export const statsOf = (page: Pick<Tab, 'evaluate'>): Promise<gemsocket.ClientStats> =>
  page.evaluate(() => (globalThis as unknown as Opened).client.stats);

export const stateOf = (page: Pick<Tab, 'evaluate'>): Promise<string> =>
  page.evaluate(() => (globalThis as unknown as Opened).client.state);
