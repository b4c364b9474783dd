import { describe, expect, test as it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { runProgramWith } from './programs.js';

const run = (text: string) => runProgramWith('docs/guides/operating.md', text);

/** The status of a handshake; 0 without an answer. */
async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(url, { headers });
  onTestFinished(() => socket.terminate());
  return new Promise((resolve) => {
    socket.on('open', () => resolve(101));
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => resolve(0));
  });
}

describe('the programs about admission in docs/guides/operating.md', () => {
  it('the probe answers 200 while the server is ready, beside the WebSocket server', async () => {
    const { port } = await run('server.health');
    const response = await fetch(`http://localhost:${port}/ready`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ ready: true, draining: false, backplane: 'up' });
    expect(await statusOf(`ws://localhost:${port}/live`)).toBe(101);
  });

  it('the server behind a proxy prints the address that the proxy reports', async () => {
    const { port, program } = await run('trustedProxies: 1');
    const headers = { 'x-forwarded-for': '192.0.2.9, 192.0.2.1' };
    expect(await statusOf(`ws://127.0.0.1:${port}`, headers)).toBe(101);
    await program.printed(/^192\.0\.2\.1$/m);
  });

  it('a banned user is disconnected, and refused from then on', async () => {
    const { port, program } = await run('server.disconnectUser');
    await program.printed(/0 connections closed/);
    expect(await statusOf(`ws://localhost:${port}/?user=mallory`)).toBe(401);
    expect(await statusOf(`ws://localhost:${port}/?user=anna`)).toBe(101);
  });
});
