import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { makeProject } from '../support/installed-package.js';

/** Every public name, used as a program would. */
const program = `
import {
  closeOnSignals, connect, SecureWebsocketClient, streams, WebsocketClient, WebsocketError, WebsocketRequestBus,
} from 'gemsocket';
import type {
  Address, ClientEvents, ClientOptions, ClientStats, CloseInfo, ConnectionState, Continuity, Delivery, IWebsocketClient, Message,
  OnMessage, Received, SessionFeature, WebsocketType,
} from 'gemsocket';

const onMessage: OnMessage = (message: Message, client: IWebsocketClient) => client.sendMessage(typeof message === 'string' ? message : '');
const type: WebsocketType = 'insecure';
const address: Address = async () => new URL('ws://localhost:8080');
const delivery: Delivery = { latest: 'position' };
const options: ClientOptions & { session?: SessionFeature } = {
  onMessage, protocols: ['chat'], signal: new AbortController().signal, connectTimeoutMs: 1_000, reconnect: { maxAttempts: 3 },
  maxMessageBytes: 65_536, inbox: { maxMessages: 10 }, outbox: { maxBytes: 1_000_000 }, liveness: { pingMs: 10_000 },
};

export async function main(): Promise<CloseInfo> {
  await using client = await connect(address, { ...options, type });
  const state: ConnectionState = client.state;
  const stats: ClientStats = client.stats;
  const fits: boolean = client.sendMessage(state + stats.bytesSent, delivery) && client.sendMessageBinary(new Uint8Array(8));
  if (!fits) await client.drained();
  const received: Received | undefined = client.getMessage();
  if (received !== undefined && 'message' in received) onMessage(received.message, client);
  const reconnected: ClientEvents['reconnected'] = (continuity: Continuity) => console.log(continuity.lost);
  client.on('reconnected', reconnected);
  client.on('error', (error: WebsocketError) => console.log(error.code, error.context, error.cause));
  for await (const message of client) console.log(message.length);
  const { readable, writable } = streams(client);
  void readable.pipeTo(new WritableStream<Message>());
  void writable.close();
  const held: IWebsocketClient[] = [new SecureWebsocketClient('example.org'), new WebsocketClient('localhost:8080')];
  await using bus = new WebsocketRequestBus();
  const one = bus.createClient('localhost:8080', onMessage, 'insecure');
  bus.sendWebsocketMessage(one.id, 'text');
  bus.sendWebsocketMessageBinary(one, new ArrayBuffer(8));
  console.log(bus.isConnectionOpen(one), bus.getMessage(one), bus.clients.size, held.length);
  bus.on('close', (closed: IWebsocketClient, info: CloseInfo) => console.log(closed.id, info.code));
  closeOnSignals()();
  return bus.closeWebsocket(one, 1000, 'done');
}
`;

const serverProgram = `
import { connect } from 'gemsocket';
import { attach, listen } from 'gemsocket/server';
import { createServer } from 'node:http';

await using server = await listen('localhost', 8080, { path: '/ws', maxMessageBytes: 1_000 });
server.on('connection', (client) => client.sendMessage('hello'));
for await (const client of server) console.log(client.id, server.clients.length, server.port);
server.broadcast('all');
attach(createServer());
await (await connect('localhost')).close();
`;

/** Under exactOptionalPropertyTypes an optional property accepts undefined only where its type says so. */
const everyOptionUndefined = `
import { connect, WebsocketError, type ClientOptions, type ErrorCode } from 'gemsocket';
import { session } from 'gemsocket/session';

export const make = (isPatient: boolean, token: string | undefined): ClientOptions => ({
  session: isPatient ? session({ windowBytes: isPatient ? 65_536 : undefined }) : undefined,
  node: { headers: token === undefined ? undefined : { authorization: token } },
  reconnect: { maxAttempts: isPatient ? 3 : undefined },
});
void connect('localhost', { ...make(true, undefined), type: undefined });
export const code: ErrorCode = new WebsocketError('NOT_OPEN', '').code;
// @ts-expect-error: the compiler rejects a code that does not exist.
export const isWrong = new WebsocketError('NOT_OPEN', '').code === 'NOT_OPENED';
`;

/** Type-checks files with all checks on, including those of our declarations; returns the compiler's messages about them. */
function compile(files: Record<string, string>, compilerOptions: object, { types = [] as string[], compiler = 'typescript' } = {}): string {
  const cwd = makeProject(inject('installation'), {
    ...files,
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        skipLibCheck: false,
        target: 'es2022',
        types,
        ...compilerOptions,
      },
      files: Object.keys(files),
    }),
  });
  if (types.length > 0) linkNodeTypes(cwd);
  try {
    execFileSync(process.execPath, [resolve('node_modules', compiler, 'bin/tsc'), '-p', cwd], { encoding: 'utf8', stdio: 'pipe' });
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

/** The types of Node that the repository has, instead of a download. */
function linkNodeTypes(folder: string): void {
  for (const name of ['@types/node', 'undici-types']) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(resolve('node_modules', name), link);
  }
}

const page = { lib: ['es2022', 'esnext.disposable', 'dom', 'dom.iterable'], module: 'esnext', moduleResolution: 'bundler' };
const node = { lib: ['es2022'] };
const types = ['node'];
const pageFiles = { 'main.ts': program, 'undefined.ts': everyOptionUndefined };
const nodeFiles = { 'main.ts': program, 'server.ts': serverProgram };

describe('the declarations of the package', () => {
  test('are valid in a page, with a bundler and without the types of Node', () => {
    expect(compile(pageFiles, { ...page, customConditions: ['browser'] })).toBe('');
  });

  test('are valid in a worker or another runtime, without a condition', () => {
    expect(compile(pageFiles, page)).toBe('');
  });

  test('are valid in Node with module node20 and without the types of a page', () => {
    expect(compile(nodeFiles, { ...node, module: 'node20' }, { types })).toBe('');
  });

  test('are valid in CommonJS with module node20', () => {
    const commonJs =
      "import gemsocket = require('gemsocket');\nexport const error: Error = new gemsocket.WebsocketError('NOT_OPEN', '', { state: 'idle' });";
    expect(compile({ 'main.cts': commonJs }, { ...node, module: 'node20' }, { types })).toBe('');
  });

  test('reject incorrect programs', () => {
    const wrong = "import { connect } from 'gemsocket';\nvoid connect('localhost', { type: 'unsafe' });";
    expect(compile({ 'main.ts': wrong }, page)).toContain('TS2322');
  });
});

describe('the oldest TypeScript that README.md names', () => {
  const compiler = 'typescript-5.2';

  test('is the one of these tests', () => {
    const [, named] = /TypeScript (\d+\.\d+) or later/.exec(readFileSync('README.md', 'utf8')) ?? [];
    expect(`typescript-${named}`).toBe(compiler);
  });

  test('accepts the declarations in a page, with a bundler', () => {
    expect(compile(pageFiles, { ...page, customConditions: ['browser'] }, { compiler })).toBe('');
  });

  test('accepts the declarations of client and server in Node', () => {
    expect(compile(nodeFiles, { ...node, module: 'nodenext' }, { types, compiler })).toBe('');
  });
});
