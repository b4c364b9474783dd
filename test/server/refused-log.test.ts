import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ServerOptions, WebsocketServer } from '../../src/entry/server.js';
import { foreignOpen, handshake, RawPeer, serve, slowAuthentication, statusOf, until } from './support.js';

const MINUTE_MS = 60_000;

/** What the server writes to the console, line by line. */
function logged(): string[] {
  const lines: string[] = [];
  const spy = vi.spyOn(console, 'warn').mockImplementation((line) => void lines.push(line));
  onTestFinished(() => spy.mockRestore());
  return lines;
}

function ask(server: WebsocketServer, headers: Record<string, string> = {}, path = '/'): Promise<number> {
  return statusOf(`ws://127.0.0.1:${server.port}${path}`, { headers });
}

const page = (origin: string) => ({ origin });

describe('without a refused listener, the console has a line with the remedy:', () => {
  it.each<[string, ServerOptions, Record<string, string>, string, number, string]>([
    ['an origin', {}, page('http://localhost:5173'), '/', 403, "set the option origins: ['http://localhost:5173']"],
    [
      'one more origin',
      { origins: ['http://a.example'] },
      page('http://b.example'),
      '/',
      403,
      "add 'http://b.example' to the option origins",
    ],
    ['a page from a file', {}, page('null'), '/', 403, "set the option origins: ['null']"],
    ['no origin', {}, page("http://x'y z"), '/', 403, 'no valid origin'],
    ['a host', {}, { origin: 'http://game.example', host: 'game.example' }, '/', 403, "set the option hosts: ['game.example']"],
    [
      'one more host',
      { hosts: ['a.example'] },
      { origin: 'http://b.example', host: 'b.example' },
      '/',
      403,
      "add 'b.example' to the option hosts",
    ],
    ['a path', { path: '/live' }, {}, '/chat?token=secret', 404, "no WebSocket is served at '/chat', only at '/live'"],
    ['an unknown user', { authenticate: () => undefined }, {}, '/', 401, 'authenticate returned undefined'],
    [
      'an authenticate that throws',
      { authenticate: () => Promise.reject(new TypeError('no\ndatabase')) },
      {},
      '/',
      401,
      "threw 'TypeError: no?database'",
    ],
    [
      'an authenticate that throws nonsense',
      { authenticate: () => Promise.reject(Object.create(null)) },
      {},
      '/',
      401,
      'authenticate threw a value that is not an Error',
    ],
    [
      'an authenticate that takes too long',
      { authenticate: () => new Promise(() => {}), handshakeTimeoutMs: 50 },
      {},
      '/',
      408,
      'handshakeTimeoutMs (50)',
    ],
  ])('%s', async (_what, options, headers, path, status, advice) => {
    const lines = logged();
    const server = await serve(options);
    expect(await ask(server, headers, path)).toBe(status);
    expect(lines).toEqual([expect.stringContaining(advice)]);
    expect(lines[0]).toMatch(/^gemsocket: refused 127\.0\.0\.1 \(\w+, \d+\): [\x20-\x7e]+$/);
    expect(lines[0]).not.toContain('secret');
  });

  it('a server that is full', async () => {
    const lines = logged();
    const server = await serve({ maxClients: 1 });
    await foreignOpen(server);
    expect(await ask(server)).toBe(503);
    expect(lines).toEqual([expect.stringContaining('maxClients is 1')]);
  });

  it('a request that is not a handshake', async () => {
    const lines = logged();
    const server = await serve();
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake({ 'Sec-WebSocket-Key': undefined }));
    await peer.ended();
    expect(lines).toEqual([expect.stringContaining('not an opening handshake')]);
  });
});

describe('the lines about refusals', () => {
  it('are one for each reason and minute; the others are counted', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const lines = logged();
    const server = await serve({ path: '/live' });
    for (let index = 0; index < 5; index++) await ask(server, page(`http://localhost:${5173 + index}`), '/live');
    await ask(server, {}, '/chat');
    expect(lines).toEqual([expect.stringContaining('(origin, 403)'), expect.stringContaining('(path, 404)')]);
    vi.advanceTimersByTime(MINUTE_MS);
    expect(lines.slice(2)).toEqual(['gemsocket: 4 more within a minute: handshakes refused (origin).']);
    await ask(server, page('http://localhost:5173'), '/live');
    expect(lines.slice(3)).toEqual([expect.stringContaining('(origin, 403)')]);
  });

  it('end with the server, which writes the counts that are left', async () => {
    const lines = logged();
    const server = await serve({ path: '/live' });
    for (let index = 0; index < 3; index++) await ask(server);
    await server.close();
    expect(lines).toEqual([expect.stringContaining('(path, 404)'), 'gemsocket: 2 more within a minute: handshakes refused (path).']);
  });

  it('are left to the application that listens to refused', async () => {
    const lines = logged();
    const server = await serve();
    server.on('refused', () => {});
    await ask(server, page('http://localhost:5173'));
    expect(lines).toEqual([]);
  });

  it('leave out clients that disconnect by themselves', async () => {
    const lines = logged();
    const { authenticate, asked } = slowAuthentication();
    const server = await serve({ authenticate });
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake());
    await asked;
    peer.socket.resetAndDestroy();
    await until(() => expect(server.metrics.refusedGone).toBe(1));
    expect(lines).toEqual([]);
  });
});
