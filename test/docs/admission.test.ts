import { readFileSync } from 'node:fs';
import { describe, expect, test as it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { freePort, type Program, runNode } from '../examples/program.js';
import { programOf } from '../support/document-programs.js';
import { until } from '../support/until.js';
import { codeBlocks } from './markdown.js';
import { writeProgram } from './programs.js';

const file = 'docs/guides/operating.md';
const blocks = codeBlocks({ file, text: readFileSync(file, 'utf8') });

/** Runs the one program of the guide that has this text. */
async function run(text: string): Promise<{ port: number; program: Program }> {
  const [block, ...others] = blocks.filter(({ code }) => code.includes(text));
  if (block === undefined || others.length > 0) throw new Error(`There is not one program with ${text}.`);
  const port = await freePort();
  return { port, program: runNode(await writeProgram('server.mjs', programOf(block, port))) };
}

/** The status of a handshake, with 0 while nothing listens. */
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
    let response: Response | undefined;
    await until(async () => {
      response = await fetch(`http://localhost:${port}/ready`).catch(() => undefined);
      return response !== undefined;
    }, 'the probe answers');
    expect(response?.status).toBe(200);
    expect(await response?.json()).toEqual({ ready: true, draining: false, backplane: 'up' });
    expect(await statusOf(`ws://localhost:${port}/live`)).toBe(101);
  });

  it('the server behind a proxy prints the address that the proxy reports', async () => {
    const { port, program } = await run('trustedProxies: 1');
    const headers = { 'x-forwarded-for': '192.0.2.9, 192.0.2.1' };
    await until(async () => (await statusOf(`ws://127.0.0.1:${port}`, headers)) === 101, 'the server listens');
    await program.printed(/^192\.0\.2\.1$/m);
  });

  it('a user who is banned is disconnected, and refused from then on', async () => {
    const { port, program } = await run('server.disconnectUser');
    await program.printed(/0 connections closed/);
    expect(await statusOf(`ws://localhost:${port}/?user=mallory`)).toBe(401);
    expect(await statusOf(`ws://localhost:${port}/?user=anna`)).toBe(101);
  });
});
