import { readdirSync } from 'node:fs';
import { connect, type IWebsocketClient } from 'gemsocket';
import { session } from 'gemsocket/session';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort, type Program, runNode } from '../examples/program.js';
import { programOf } from '../support/document-programs.js';
import { besiege } from '../support/hostile-clients.js';
import { type CodeBlock, codeBlocks, documents } from './markdown.js';
import { writeProgram } from './programs.js';

/** All of the documents that serve clients: they take connections, and answer. */
const blocks = documents()
  .filter(({ file }) => file === 'README.md' || file.startsWith('docs/guides/'))
  .flatMap(codeBlocks)
  .filter(({ language, code }) => /^[jt]s$/.test(language) && isServer(code));

function isServer(code: string): boolean {
  const addressResponder = /\.(sendMessage|sendMessageBinary|broadcast)\(/.test(code);
  const goesOn = /server\.on\('connection'|of server\)|setInterval/.test(code);
  return addressResponder && goesOn && /\bserver\b/.test(code) && !/tls:/.test(code);
}

const examples = readdirSync('examples', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'chat-game' && entry.name !== 'lumberyard-bus')
  .map(({ name }) => `examples/${name}/server.js`);

/** The path of an example, and a word on its program if it does not answer each message. */
const WAYS_IN: Readonly<Record<string, readonly [path: string, code: string]>> = {
  'examples/express/server.js': ['/live', ''],
  'examples/chat/server.js': ['/chat?name=Eve', 'it answers a topic only'],
};

describe('a peer ends no server of the documents', () => {
  test('all of them are found', () => {
    const names = blocks.map(nameOf);
    expect(names.filter((name) => name.startsWith('README.md'))).toHaveLength(3);
    expect(names.filter((name) => name.startsWith('docs/guides/server.md')).length).toBeGreaterThanOrEqual(3);
    expect(examples).toHaveLength(4);
  });

  test.each(blocks.map((block) => [nameOf(block), block] as const))('%s', async (_name, block) => {
    const port = await freePort();
    const [, path = '/'] = /path: '([^']+)'/.exec(block.code) ?? [];
    const program = runNode(await writeProgram('server.mjs', programOf(block, port)));
    await listening(program, port, path);
    await survives(program, port, path, block.code);
  });

  test.each(examples)('%s', async (file) => {
    const program = runNode(file, ['0']);
    const [, port] = await program.printed(/listening on \D*(\d+)/);
    const [path, code] = WAYS_IN[file] ?? ['/', ''];
    await survives(program, Number(port), path, code);
  });
});

function nameOf({ file, line }: CodeBlock): string {
  return `${file}:${line}`;
}

/** Tries until it takes connections: not all of them print that they listen. */
async function listening(program: Program, port: number, path: string): Promise<void> {
  while (!program.hasEnded) {
    const client = await connect(`ws://localhost:${port}${path}`, { type: 'insecure' }).catch(() => undefined);
    if (client !== undefined) {
      await client.close();
      return;
    }
  }
  throw new Error(`It ended:\n${program.output}`);
}

async function survives(program: Program, port: number, path: string, code: string): Promise<void> {
  await besiege(port, path);
  expect(program.hasEnded, program.output).toBe(false);
  for (const options of [{}, { session: session() }]) {
    const client = await connect(`ws://localhost:${port}${path}`, { type: 'insecure', ...options });
    onTestFinished(async () => void (await client.close()));
    // One that answers nobody has still to take what it is sent.
    if (/'message'(?!, \(\w+\) => console)|getMessage|for await/.test(code) || code === '') await answerTo(client, program);
    else expect((await client.close()).code).toBe(1000);
  }
  expect(program.hasEnded, program.output).toBe(false);
  expect(program.output).not.toMatch(/unhandled|Uncaught/i);
}

/** Every server here answers a message, greets, or ticks. */
async function answerTo(client: IWebsocketClient, program: Program): Promise<void> {
  client.sendMessage('hello');
  const next = await client[Symbol.asyncIterator]().next();
  expect(next.done, program.output).toBe(false);
}
