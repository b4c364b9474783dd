import { basename, join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { WebSocket } from 'ws';
import { listen, type WebsocketServer } from '../../src/entry/server.js';
import type * as gemsocket from '../../src/entry/standard.js';
import { makeProject } from '../support/installed-package.js';
import { startWs, type WsServer } from '../support/ws-server.js';

/**
 * React Native's own WebSocket, following its source: `bufferedAmount` is never set and `protocol` only when open, a close
 * event may lack `wasClean`, a failure is an `error` and a `close` with 1006, and a third argument takes headers.
 */
class ReactNativeWebSocket {
  readyState = 0;
  bufferedAmount: number | undefined;
  protocol: string | undefined;
  onopen: ((event: object) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: object) => void) | null = null;
  readonly #ws: WebSocket;

  constructor(url: string, protocols?: string[], options?: object) {
    if (options !== undefined) throw new Error('gemsocket knows of no third argument.');
    this.#ws = new WebSocket(url, protocols ?? []);
    this.#ws.on('open', () => {
      this.readyState = 1;
      this.protocol = this.#ws.protocol;
      this.onopen?.({});
    });
    this.#ws.on('message', (data: Buffer, isBinary) => {
      this.onmessage?.({ data: isBinary ? Uint8Array.from(data).buffer : data.toString() });
    });
    let failure: string | undefined;
    this.#ws.on('error', ({ message }) => {
      failure = message;
    });
    this.#ws.on('close', (code, reason) => {
      this.readyState = 3;
      if (failure !== undefined) this.onerror?.({});
      this.onclose?.({ code, reason: failure ?? reason.toString() });
    });
  }

  set binaryType(type: string) {
    if (type !== 'blob' && type !== 'arraybuffer') throw new Error("binaryType must be either 'blob' or 'arraybuffer'");
  }

  send(data: string | Uint8Array): void {
    if (this.readyState === 0) throw new Error('INVALID_STATE_ERR');
    if (typeof data !== 'string' && !ArrayBuffer.isView(data)) throw new Error('Unsupported data type');
    this.#ws.send(data);
  }

  close(code = 1000, reason = ''): void {
    if (this.readyState < 2) this.readyState = 2;
    this.#ws.close(code, reason);
  }
}

/** The globals that React Native adds to the language, as far as relevant. No events, streams, crypto, TextDecoder or MessageChannel. */
const globals = {
  console,
  setTimeout,
  clearTimeout,
  setImmediate,
  queueMicrotask,
  URL,
  AbortController,
  TextEncoder,
  WebSocket: ReactNativeWebSocket,
};

type Bundle = typeof gemsocket & { session: () => gemsocket.SessionFeature };

/** The package as Metro would bundle it, in a realm that has only these globals and the language. */
async function load(more: object = {}): Promise<Bundle> {
  const text = "export * from 'gemsocket'; export { session } from 'gemsocket/session';";
  const { outputFiles, metafile } = await build({
    entryPoints: [join(makeProject(inject('installation'), { 'main.js': text }), 'main.js')],
    bundle: true,
    write: false,
    metafile: true,
    format: 'iife',
    globalName: 'gemsocket',
    platform: 'neutral',
    conditions: ['react-native'],
    logLevel: 'error',
  });
  expect(Object.keys(metafile.inputs).map((path) => basename(path))).toContain('standard.js');
  const world = createContext({ ...globals, ...more });
  runInContext(outputFiles[0]?.text ?? '', world);
  return world.gemsocket as Bundle;
}

describe('the package with only the globals of React Native', () => {
  let ws: WsServer;
  let sessions: WebsocketServer;

  beforeAll(async () => {
    ws = await startWs();
    ws.server.on('connection', (peer, { url }) => {
      peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
      if (url === '/leave') peer.close(4001, 'go');
      if (url === '/drop') peer.terminate();
    });
    sessions = await listen('127.0.0.1', 0);
    sessions.on('connection', (client) => client.on('message', (message) => client.sendMessage(`echo ${String(message)}`)));
  });

  afterAll(async () => {
    ws.end();
    await sessions.close({ graceMs: 1 });
  });

  const address = (path = '/') => `ws://127.0.0.1:${ws.port}${path}`;

  test('connects, sends and receives text and bytes, and closes', async () => {
    const { connect } = await load();
    const client = await connect(address(), { type: 'insecure' });
    client.sendMessage('grün');
    client.sendMessageBinary(Uint8Array.of(1, 2, 3));
    const heard: unknown[] = [];
    for await (const message of client) {
      heard.push(typeof message === 'string' ? message : [...message]);
      if (heard.length === 2) break;
    }
    expect([heard, client.bufferedBytes, client.protocol]).toEqual([['grün', [1, 2, 3]], 0, '']);
    expect(await client.close(4000, 'done')).toEqual({ code: 4000, reason: 'done', wasClean: true });
  });

  test('reports how a connection ended, although its WebSocket lacks wasClean', async () => {
    const { connect } = await load();
    const left = await connect(address('/leave'), { type: 'insecure', reconnect: false });
    expect(await new Promise((resolve) => left.on('close', resolve))).toEqual({ code: 4001, reason: 'go', wasClean: true });
    const dropped = await connect(address('/drop'), { type: 'insecure', reconnect: false });
    expect(await new Promise((resolve) => dropped.on('close', resolve))).toMatchObject({ code: 1006, wasClean: false });
  });

  test('an unavailable server is CONNECT_FAILED', async () => {
    const { connect } = await load();
    await expect(connect('ws://127.0.0.1:1', { type: 'insecure' })).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
  });

  test('the bus works, and throws UNSUPPORTED only for features of Node', async () => {
    const { WebsocketRequestBus, closeOnSignals } = await load();
    const bus = new WebsocketRequestBus();
    const client = bus.createClient(address(), undefined, 'insecure');
    bus.sendWebsocketMessage(client, 'hello');
    for await (const message of client) {
      expect(message).toBe('hello');
      break;
    }
    await bus.closeAll();
    expect(() => closeOnSignals()).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  });

  test('a session needs only a TextDecoder in addition', async () => {
    const { connect, session } = await load({ TextDecoder });
    const client = await connect(`ws://127.0.0.1:${sessions.port}`, { type: 'insecure', session: session() });
    client.sendMessage('grün');
    for await (const message of client) {
      expect(message).toBe('echo grün');
      break;
    }
    await client.close();
  });
});
