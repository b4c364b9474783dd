import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type ClientOptions,
  closeOnSignals,
  connect,
  type IWebsocketClient,
  SecureWebsocketClient,
  streams,
  WebsocketClient,
  WebsocketError,
  WebsocketRequestBus,
} from '../../src/entry/node.js';
import { attach, listen, type ServerOptions } from '../../src/entry/server.js';
import { type SessionOptions, session } from '../../src/entry/session.js';
import * as shared from '../../src/entry/shared.js';
import { pair, serve } from './support.js';

/** What plain JavaScript can hand over by mistake. The strings are no names that could be looked up. */
const nonsense: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1e300,
  5n,
  '',
  'no name',
  Symbol('nonsense'),
  {},
  Object.create(null),
  { nonsense: 5 },
  [],
  [null],
  [5],
  () => undefined,
  () => {
    throw new Error('of the application');
  },
  Promise.resolve(5),
  new Date(Number.NaN),
  new Error('nonsense'),
  structuredClone(new Uint8Array(4)),
  detached(new Uint8Array(4)),
  detached(new ArrayBuffer(4)),
];

function detached<T extends ArrayBuffer | Uint8Array<ArrayBuffer>>(bytes: T): T {
  const buffer = ArrayBuffer.isView(bytes) ? bytes.buffer : bytes;
  structuredClone(buffer, { transfer: [buffer] });
  return bytes;
}

/** A port that nothing listens on. */
const NOBODY = '127.0.0.1:1';

/** Each is called with every piece of nonsense. */
type Calls = Readonly<Record<string, (value: never) => unknown>>;

/** A good value for each: a name that is missing here, or is none, does not compile. */
const clientOptions: Required<{ [Name in keyof ClientOptions]: unknown }> = {
  onMessage: 1,
  protocols: 1,
  signal: 1,
  connectTimeoutMs: 1,
  retryFirstAttempt: 1,
  closeTimeoutMs: 1,
  reconnect: ['minDelayMs', 'maxDelayMs', 'maxAttempts'],
  maxMessageBytes: 1,
  inbox: ['maxMessages', 'maxBytes'],
  outbox: ['highWaterBytes', 'maxBytes'],
  liveness: ['pingMs', 'timeoutMs'],
  session: 1,
  transport: 1,
  node: ['headers'],
};

const sessionOptions: Required<{ [Name in keyof SessionOptions]: unknown }> = {
  ackDelayMs: 1,
  batchDelayMs: 1,
  windowBytes: 1,
  replayBytes: 1,
};

const serverOptions: Required<{ [Name in keyof ServerOptions]: unknown }> = {
  tls: ['key', 'cert'],
  path: 1,
  protocols: 1,
  origins: 1,
  hosts: 1,
  authenticate: 1,
  userKey: 1,
  trustedProxies: 1,
  maxClientsPerAddress: 1,
  maxClients: 1,
  maxClosing: 1,
  maxMessageBytes: 1,
  handshakeTimeoutMs: 1,
  liveness: ['pingMs', 'timeoutMs'],
  rateLimit: ['messagesPerSecond', 'burst'],
  inbox: ['maxMessages', 'maxBytes'],
  maxBufferedBytes: 1,
  turnBudgetMs: 1,
  backplane: 1,
  authorize: 1,
  authorizeTimeoutMs: 1,
  topics: ['historyMessages', 'historyMs', 'historyBytes', 'maxMessageBytes', 'of', 'maxPerClient', 'maxPresenceBytes'],
  session: [
    'windowBytes',
    'replayBytes',
    'batchDelayMs',
    'resumeWindowMs',
    'maxDetached',
    'maxDetachedBytes',
    'maxDetachedPerAddress',
    'maxDetachedPerUser',
    'isSameUser',
  ],
};

/** One call for each option, and for each option of its group. */
function eachOption(of: object, call: (options: never) => unknown): Calls {
  const calls: Record<string, (value: never) => unknown> = {};
  for (const [name, inner] of Object.entries(of)) {
    calls[name] = (value) => call({ [name]: value } as never);
    for (const part of Array.isArray(inner) ? inner : [])
      calls[`${name}.${part}`] = (value) => call({ [name]: { [part]: value } } as never);
  }
  return calls;
}

/** Fails for what is thrown, or rejects, and is not a WebsocketError. What was made is closed again. */
async function endsWell(call: () => unknown): Promise<void> {
  let result: unknown;
  try {
    result = await call();
  } catch (error) {
    expect(error).toBeInstanceOf(WebsocketError);
    return;
  }
  if (typeof result === 'object' && result !== null && 'close' in result) await (result as { close(): Promise<unknown> }).close();
}

function everyCall(calls: Calls): void {
  it.each(Object.keys(calls))('%s', async (name) => {
    for (const value of nonsense) await endsWell(() => calls[name]?.(value as never));
  });
}

const listener = (() => {}) as never;

const dial = (options: ClientOptions) => connect(NOBODY, { reconnect: { minDelayMs: 1, maxAttempts: 1 }, ...options, type: 'insecure' });

describe('nonsense as an argument ends in a WebsocketError or works:', () => {
  describe('connect() and the classes', () => {
    everyCall({
      'the address': (it) => connect(it),
      'the answer of an address function': (it) => connect(() => it, { reconnect: false }),
      'the options': (it) => connect(NOBODY, it),
      'the type': (it) => connect(NOBODY, { type: it }),
      'an address of SecureWebsocketClient': (it) => void new SecureWebsocketClient(it),
      'options of SecureWebsocketClient': (it) => void new SecureWebsocketClient(NOBODY, it),
      'an address of WebsocketClient': (it) => void new WebsocketClient(it),
      'options of WebsocketClient': (it) => void new WebsocketClient(NOBODY, it),
    });
  });

  describe('the option of a client', () => everyCall(eachOption(clientOptions, dial)));

  describe('the option of session()', () => {
    everyCall({ 'all of them': (it) => session(it), ...eachOption(sessionOptions, (options) => session(options)) });
  });

  describe('closeOnSignals() and streams()', () => {
    everyCall({
      signals: (it) => closeOnSignals(it)(),
      'a signal': (it) => closeOnSignals([it])(),
      'a client': (it) => void streams(it),
      'a chunk': (it) => streams(new WebsocketClient(NOBODY)).writable.getWriter().write(it),
    });
  });

  describe('the bus', () => {
    const withBus = (call: (bus: WebsocketRequestBus) => unknown) => async () => {
      await using bus = new WebsocketRequestBus();
      return await call(bus);
    };
    const withClient = (call: (bus: WebsocketRequestBus, id: string) => unknown) =>
      withBus((bus) => call(bus, bus.createClient(NOBODY, undefined, 'insecure').id));
    everyCall({
      'createClient: the address': (it) => withBus((bus) => void bus.createClient(it))(),
      'createClient: the handler': (it) => withBus((bus) => void bus.createClient(NOBODY, it))(),
      'createClient: the type': (it) => withBus((bus) => void bus.createClient(NOBODY, undefined, it))(),
      'createClient: the options': (it) => withBus((bus) => void bus.createClient(NOBODY, undefined, 'insecure', it))(),
      isConnectionOpen: (it) => withBus((bus) => bus.isConnectionOpen(it))(),
      'sendWebsocketMessage: the client': (it) => withBus((bus) => bus.sendWebsocketMessage(it, ''))(),
      'sendWebsocketMessage: the text': (it) => withClient((bus, id) => bus.sendWebsocketMessage(id, it))(),
      'sendWebsocketMessageBinary: the client': (it) => withBus((bus) => bus.sendWebsocketMessageBinary(it, new Uint8Array(1)))(),
      'sendWebsocketMessageBinary: the bytes': (it) => withClient((bus, id) => bus.sendWebsocketMessageBinary(id, it))(),
      getMessage: (it) => withBus((bus) => bus.getMessage(it))(),
      'closeWebsocket: the client': (it) => withBus((bus) => bus.closeWebsocket(it))(),
      'closeWebsocket: the code': (it) => withClient((bus, id) => bus.closeWebsocket(id, it))(),
      'closeWebsocket: the reason': (it) => withClient((bus, id) => bus.closeWebsocket(id, 1000, it))(),
      'on: the event': (it) => withClient((bus) => bus.on(it, listener))(),
      'on: the listener': (it) => withClient((bus) => bus.on('state', it))(),
      'closeAll: the code': (it) => withBus((bus) => bus.closeAll(it))(),
      'closeAll: the reason': (it) => withBus((bus) => bus.closeAll(1000, it))(),
    });
  });

  describe('gemsocket/shared', () => {
    // A page is needed for what works: the options are refused before one is asked for.
    const made = (options: object | undefined) => {
      if (options !== undefined) void new shared.WebsocketClient(NOBODY, { shared: options, connectTimeoutMs: -1 });
    };
    everyCall({
      'the options of sharing': (it) => made(it),
      key: (it) => made({ key: it }),
      worker: (it) => made({ worker: it }),
      'those of a bus': (it) => void new shared.WebsocketRequestBus(it),
      'those of createClient': (it) => void new shared.WebsocketRequestBus().createClient('', undefined, 'secure', it),
    });
  });

  describe('a client and its end at the server', () => {
    it.each(['client', 'accepted'] as const)('%s', async (end) => {
      const both = await pair(await serve());
      const client: IWebsocketClient = both[end];
      // Listeners that throw are reported.
      both.client.on('error', () => {});
      both.accepted.on('error', () => {});
      const calls: Calls = {
        sendMessage: (value) => client.sendMessage(value),
        'sendMessage: the delivery': (value) => client.sendMessage('text', value),
        'sendMessage: the key': (value) => client.sendMessage('text', { latest: value }),
        sendMessageBinary: (value) => client.sendMessageBinary(value),
        'sendMessageBinary: the delivery': (value) => client.sendMessageBinary(new Uint8Array(1), value),
        'on: the event': (value) => client.on(value, listener),
        'on: the listener': (value) => client.on('state', value),
        'on away: the listener': (value) => both.accepted.on('away', value),
        'close: the code': (value) => client.close(value),
        'close: the reason': (value) => client.close(1000, value),
      };
      for (const call of Object.values(calls)) for (const value of nonsense) await endsWell(() => call(value as never));
    });
  });

  describe('listen() and attach()', () => {
    const http = createServer();
    everyCall({
      'the host': (it) => listen(it, 0),
      'the port': (it) => (it === undefined ? undefined : listen('127.0.0.1', it)),
      'the options': (it) => listen('127.0.0.1', 0, it),
      'what attach() is given': (it) => attach(it),
      'the options of attach()': (it) => attach(http, it),
    });
  });

  describe('the option of a server', () => everyCall(eachOption(serverOptions, (options) => listen('127.0.0.1', 0, options))));

  describe('a server', () => {
    it.each(['on', 'listener', 'broadcast', 'close', 'code', 'reason', 'graceMs'])('%s', async (name) => {
      const server = await listen('127.0.0.1', 0);
      onTestFinished(() => server.close());
      const calls: Calls = {
        on: (value) => server.on(value, listener),
        listener: (value) => server.on('connection', value),
        broadcast: (value) => server.broadcast(value),
        close: (value) => server.close(value),
        code: (value) => server.close({ code: value }),
        reason: (value) => server.close({ reason: value }),
        graceMs: (value) => server.close({ graceMs: value }),
      };
      for (const value of nonsense) await endsWell(() => calls[name]?.(value as never));
    });
  });
});

describe('a name', () => {
  const misspelled: Calls = {
    'sesion of a client': () => dial({ sesion: 5 } as never),
    'windowByte of session()': () => session({ windowByte: 65_536 } as never),
    'shared of a client that shares': () => new shared.WebsocketClient(NOBODY, { shared: { keys: 'chat' } } as never),
    'origin of a server': () => listen('127.0.0.1', 0, { origin: 'https://example.com' } as never),
    'origin of an attached server': () => attach(createServer(), { origin: 'https://example.com' } as never),
    'perSecond of rateLimit': () => listen('127.0.0.1', 0, { rateLimit: { messagesPerSecond: 10, burst: 10, perSecond: 10 } } as never),
    'message of inbox': () => listen('127.0.0.1', 0, { inbox: { maxMessage: 10 } } as never),
    'ping of liveness': () => listen('127.0.0.1', 0, { liveness: { ping: 10 } } as never),
    'ackDelayMs of session, which is of clients only': () => listen('127.0.0.1', 0, { session: { ackDelayMs: 10 } } as never),
    'mesage of a client': () => new WebsocketClient(NOBODY).on('mesage' as never, listener),
    'away, which is of the server only': () => new WebsocketClient(NOBODY).on('away' as never, listener),
    'mesage of a bus': () => new WebsocketRequestBus().on('mesage' as never, listener),
    'conection of a server': async () => (await serve()).on('conection' as never, listener),
    'mesage of a client of the server': async () => (await pair(await serve())).accepted.on('mesage' as never, listener),
    'grace of close()': async () => (await serve()).close({ grace: 5 } as never),
  };

  it.each(Object.keys(misspelled))('that does not exist is INVALID_OPTION at the call, with a proposal: %s', async (name) => {
    const error = await (async () => misspelled[name]?.(undefined as never))().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WebsocketError);
    expect(error).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringMatching(/does not exist\. Did you mean \w/) });
  });

  it('that exists is known', async () => {
    const calls = {
      ...eachOption(clientOptions, dial),
      ...eachOption(sessionOptions, session),
      ...eachOption(serverOptions, (options) => listen('127.0.0.1', 0, options)),
    };
    for (const call of Object.values(calls)) {
      const error: unknown = await (async () => call(Symbol('a value') as never))().catch((reason: unknown) => reason);
      if (error instanceof Error) expect(error.message).not.toContain('does not exist');
      else await (error as { close(): Promise<unknown> } | undefined)?.close?.();
    }
  });

  it('of an option of gemsocket/shared may stand where nothing is shared: in Node it is the same program', async () => {
    await expect(dial({ shared: { key: 'chat' } } as never)).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it('of a type that contradicts the class is INVALID_OPTION', () => {
    expect(() => new WebsocketClient(NOBODY, { type: 'secure' } as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});
