import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/entry/node.js';
import { listen, type ServerOptions } from '../../src/entry/server.js';
import { acceptKey, closeFrame, rawServer, switchingProtocols } from '../support/raw-peer.js';
import { rejected } from '../support/thrown.js';

/** The key and its answer in RFC 6455, 1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

const GET = 'GET / HTTP/1.1';

const REQUEST = {
  Host: 'localhost',
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': KEY,
};

type Headers = Readonly<Record<string, string | undefined>>;

/** Undefined omits a header. */
function lines(first: string, headers: Headers): string {
  const present = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return [first, ...present, '\r\n'].join('\r\n');
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The answer of our server to a request in one write or byte by byte. */
async function answerTo(request: string, isSplit: boolean, options: ServerOptions = {}): Promise<Answer> {
  const server = await listen('127.0.0.1', 0, options);
  server.on('refused', () => {}); // otherwise the console gets a line for each
  onTestFinished(() => server.close({ graceMs: 1 }));
  const socket = connectSocket({ port: server.port, host: '127.0.0.1', noDelay: true });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  const answer = readHead(socket);
  for (const part of isSplit ? request : [request]) {
    if (!socket.writable) break;
    await new Promise<void>((resolve) => socket.write(part, () => resolve()));
  }
  return answer;
}

async function readHead(socket: Socket): Promise<Answer> {
  let text = '';
  while (!text.includes('\r\n\r\n')) text += ((await once(socket, 'data')) as [Buffer])[0].toString('latin1');
  const [first = '', ...rest] = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
  const headers = rest.map((line) => line.split(/: */, 2) as [string, string]).map(([name, value]) => [name.toLowerCase(), value]);
  return { status: Number(first.split(' ')[1]), headers: Object.fromEntries(headers) };
}

const ways = [
  ['in one write', false],
  ['byte by byte', true],
] as const;

describe.each(ways)('a request to our server, %s', (_how, isSplit) => {
  const accepted: [string, Headers, string?][] = [
    ['4.2.1 as in the RFC', {}],
    ['4.2.1 with Upgrade in mixed case', { Upgrade: 'WebSocket' }],
    ['4.2.1 with more than one token of Connection', { Connection: 'keep-alive, Upgrade' }],
    ['4.2.1 with Connection in lower case', { Connection: 'upgrade' }],
    [
      '4.2.1 with header names in lower case',
      Object.fromEntries(
        Object.entries(REQUEST).flatMap(([name, value]) => [
          [name, undefined],
          [name.toLowerCase(), value],
        ]),
      ),
    ],
    [
      '4.2.1 with header names in capitals',
      Object.fromEntries(
        Object.entries(REQUEST).flatMap(([name, value]) => [
          [name, undefined],
          [name.toUpperCase(), value],
        ]),
      ),
    ],
    ['4.2.1 with blanks around values', { Upgrade: '   websocket  ', 'Sec-WebSocket-Key': `  ${KEY}  ` }],
    ['4.2.1 with unknown headers', { 'X-Forwarded-For': '192.0.2.1', Cookie: 'a=b' }],
    ['4.2.1 for a path with a query', {}, 'GET /chat/room?name=a%20b HTTP/1.1'],
    ['4.2.1 for a whole address', {}, 'GET http://localhost/chat HTTP/1.1'],
    ['10.6 with a key that is 16 bytes of zeros', { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' }],
  ];
  it.each(accepted)('%s: 101', async (_what, headers, first = GET) => {
    const all = { ...REQUEST, ...headers };
    const { status, headers: answer } = await answerTo(lines(first, all), isSplit);
    expect(status).toBe(101);
    expect(answer).toMatchObject({ upgrade: 'websocket', connection: 'Upgrade' });
    const key = (all['Sec-WebSocket-Key'] ?? KEY).trim();
    expect(answer['sec-websocket-accept']).toBe(key === KEY ? ACCEPT : acceptKey(`Sec-WebSocket-Key: ${key}`));
    expect(answer).not.toHaveProperty('sec-websocket-extensions');
    expect(answer).not.toHaveProperty('sec-websocket-protocol');
  });

  const refused: [string, number, Headers, string?][] = [
    ['4.2.1 without a key', 400, { 'Sec-WebSocket-Key': undefined }],
    ['4.2.1 with an empty key', 400, { 'Sec-WebSocket-Key': '' }],
    ['4.2.1 with a key of 15 bytes', 400, { 'Sec-WebSocket-Key': Buffer.alloc(15).toString('base64') }],
    ['4.2.1 with a key of 17 bytes', 400, { 'Sec-WebSocket-Key': Buffer.alloc(17).toString('base64') }],
    ['4.2.1 with a key that is not base64', 400, { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }],
    ['4.2.1 with two keys', 400, { 'sec-websocket-key': KEY }],
    ['4.2.1 without a version', 400, { 'Sec-WebSocket-Version': undefined }],
    ['4.2.1 with another method', 405, {}, 'POST / HTTP/1.1'],
    ['4.2.1 with another upgrade', 400, { Upgrade: 'h2c' }],
    ['4.2.1 without an upgrade', 426, { Upgrade: undefined }],
    ['4.2.1 without Connection', 426, { Connection: undefined }],
    ['4.2.1 with Connection: close', 426, { Connection: 'close' }],
    ['4.2.1 without a host', 400, { Host: undefined }],
    ['4.2.1 of HTTP/1.0', 400, {}, 'GET / HTTP/1.0'],
    ['4.2.1 with a subprotocol that is not a token', 400, { 'Sec-WebSocket-Protocol': 'a b' }],
    ['4.2.1 with an empty subprotocol', 400, { 'Sec-WebSocket-Protocol': 'a,,b' }],
    ['4.2.1 with a subprotocol twice', 400, { 'Sec-WebSocket-Protocol': 'a, a' }],
  ];
  it.each(refused)('%s: %i', async (_what, status, headers, first = GET) => {
    expect(await answerTo(lines(first, { ...REQUEST, ...headers }), isSplit)).toMatchObject({ status });
  });

  it.each(['0', '7', '8', '12', '14', '013', '13.0', '255', 'x', '', '13, 8', '8, 13'])(
    '4.4 of version "%s": 426, with the version that the server speaks',
    async (version) => {
      const answer = await answerTo(lines(GET, { ...REQUEST, 'Sec-WebSocket-Version': version }), isSplit);
      expect(answer.status).toBe(426);
      expect(answer.headers).toMatchObject({ 'sec-websocket-version': '13', upgrade: 'websocket' });
    },
  );

  it.each([
    'permessage-deflate',
    'permessage-deflate; client_max_window_bits, permessage-deflate',
    'x-webkit-deflate-frame',
    'x-unknown; a=1; b="two"',
  ])('9.1 that offers %s: 101 without an extension', async (extensions) => {
    const { status, headers } = await answerTo(lines(GET, { ...REQUEST, 'Sec-WebSocket-Extensions': extensions }), isSplit);
    expect(status).toBe(101);
    expect(headers).not.toHaveProperty('sec-websocket-extensions');
  });

  it.each([
    ['a', 'a'],
    ['b, a', 'b'],
    ['x, a', 'a'],
    ['  a  ,  b  ', 'a'],
    ['x, y', undefined],
    ['A', undefined],
  ])('4.2.2 that offers the subprotocols "%s": %s', async (offered, chosen) => {
    const { status, headers } = await answerTo(lines(GET, { ...REQUEST, 'Sec-WebSocket-Protocol': offered }), isSplit, {
      protocols: ['a', 'b'],
    });
    expect(status).toBe(101);
    expect(headers['sec-websocket-protocol']).toBe(chosen);
  });
});

/** The result of an answer in our client: the subprotocol, or the reason for the refusal. */
async function closeInfo(answer: (request: string) => string, isSplit: boolean, protocols: readonly string[] = []): Promise<string> {
  await using server = await rawServer((socket, request) => {
    void (async () => {
      for (const part of isSplit ? answer(request) : [answer(request)]) {
        if (socket.writable) await new Promise<void>((resolve) => socket.write(part, () => resolve()));
      }
      if (socket.writable) socket.write(closeFrame(1000));
    })();
  });
  const opening = connect(server.address, { type: 'insecure', reconnect: false, protocols });
  try {
    return `open ${(await opening).protocol}`;
  } catch {
    const error = await rejected(opening);
    expect(error.code).toBe('CONNECT_FAILED');
    return error.message;
  }
}

describe.each(ways)('an answer to our client, %s', (_how, isSplit) => {
  const replaced = (pattern: string | RegExp, by: string) => (request: string) => switchingProtocols(request).replace(pattern, by);
  const adding =
    (...headers: string[]) =>
    (request: string) =>
      switchingProtocols(request, ...headers);

  const accepted: [string, (request: string) => string][] = [
    ['4.1 as in the RFC', adding()],
    ['4.1 with header names in lower case', (request) => switchingProtocols(request).replace(/^[\w-]+:/gm, (name) => name.toLowerCase())],
    ['4.1 with Upgrade in mixed case', replaced('websocket', 'WebSocket')],
    ['4.1 with more than one token of Connection', replaced('Connection: Upgrade', 'Connection: keep-alive, upgrade')],
    ['4.1 with blanks around the key', replaced(/Accept: (\S+)/, 'Accept:   $1  ')],
    ['4.1 with unknown headers', adding('Server: a', 'X-Anything: b')],
    ['4.1 with another phrase', replaced('Switching Protocols', 'Sure')],
    ['4.1 without a phrase', replaced(' Switching Protocols', '')],
  ];
  it.each(accepted)('%s: open', async (_what, answer) => {
    expect(await closeInfo(answer, isSplit)).toBe('open ');
  });

  const refused: [string, (request: string) => string][] = [
    ['4.1 with another key', replaced(/Accept: \S+/, `Accept: ${ACCEPT}`)],
    ['4.1 with the key in swapped case', (request) => switchingProtocols(request).replace(acceptKey(request), swapCase)],
    ['4.1 without a key', replaced(/Sec-WebSocket-Accept: \S+\r\n/, '')],
    ['4.1 with an empty key', replaced(/Accept: \S+/, 'Accept: ')],
    ['4.1 without an upgrade', replaced('Upgrade: websocket\r\n', '')],
    ['4.1 with another upgrade', replaced('Upgrade: websocket', 'Upgrade: h2c')],
    ['4.1 with more than one upgrade', replaced('Upgrade: websocket', 'Upgrade: websocket, h2c')],
    ['4.1 without Connection', replaced('Connection: Upgrade\r\n', '')],
    ['4.1 with another Connection', replaced('Connection: Upgrade', 'Connection: keep-alive')],
    ['4.1 with status 200', replaced('101 Switching Protocols', '200 OK')],
    ['4.1 with status 426', replaced('101 Switching Protocols', '426 Upgrade Required')],
    ['4.1 with an extension that was not offered', adding('Sec-WebSocket-Extensions: permessage-deflate')],
    ['4.1 with an unknown extension', adding('Sec-WebSocket-Extensions: x-unknown')],
    ['4.1 with a subprotocol that was not offered', adding('Sec-WebSocket-Protocol: a')],
    ['4.1 that is not HTTP', () => 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ];
  it.each(refused)('%s: refused', async (_what, answer) => {
    expect(await closeInfo(answer, isSplit)).not.toMatch(/^open/);
  });

  it.each([
    ['a', 'open a'],
    ['b', 'open b'],
    ['c', 'subprotocol'],
    ['A', 'subprotocol'],
    ['a, b', 'subprotocol'],
    [undefined, 'subprotocol'],
  ])('4.1 with the subprotocol %s when a and b were offered: %s', async (chosen, outcome) => {
    const answer = chosen === undefined ? adding() : adding(`Sec-WebSocket-Protocol: ${chosen}`);
    expect(await closeInfo(answer, isSplit, ['a', 'b'])).toContain(outcome);
  });
});

function swapCase(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()));
}

describe('the request of our client', () => {
  async function requestFor(path: string, protocols: readonly string[] = []): Promise<string> {
    const requests: string[] = [];
    await using server = await rawServer((socket, request) => {
      requests.push(request);
      socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    });
    await rejected(connect(`${server.address}${path}`, { type: 'insecure', reconnect: false, protocols }));
    return `${requests[0]}`.replaceAll(`${server.port}`, 'PORT');
  }

  it('4.1 has each required header once, and no extension', async () => {
    const request = await requestFor('/chat?a=b');
    const [first, ...headers] = request.trimEnd().split('\r\n');
    expect(first).toBe('GET /chat?a=b HTTP/1.1');
    expect(headers.map((header) => header.replace(/(?<=Key: ).*/, 'KEY')).sort()).toEqual([
      'Connection: Upgrade',
      'Host: 127.0.0.1:PORT',
      'Sec-WebSocket-Key: KEY',
      'Sec-WebSocket-Version: 13',
      'Upgrade: websocket',
    ]);
  });

  it('4.1 has a random key of 16 bytes', async () => {
    const keys = new Set<string>();
    for (let round = 0; round < 5; round++) keys.add(/Key: (\S+)/.exec(await requestFor('/'))?.[1] ?? '');
    expect(keys.size).toBe(5);
    for (const key of keys) expect(Buffer.from(key, 'base64').length).toBe(16);
  });

  it('4.1 offers the subprotocols in their order', async () => {
    expect(await requestFor('/', ['b', 'a'])).toMatch(/\r\nSec-WebSocket-Protocol: b, ?a\r\n/);
  });

  it('3. omits the fragment of the address', async () => {
    expect(await requestFor('/chat')).not.toContain('#');
  });
});
