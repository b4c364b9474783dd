import { describe, expect, test } from 'vitest';
import { type Program, runNode } from '../examples/program.js';
import { programOf } from '../support/document-programs.js';
import { hostileServer, type Malice, malice } from '../support/hostile-server.js';
import { type CodeBlock, codeBlocks, documents } from './markdown.js';
import { writeProgram } from './programs.js';

/** All of the documents that connect a client to a server of this machine, or go on with one, and read or send in a loop. */
const blocks = documents()
  .filter(({ file }) => file === 'README.md' || file.startsWith('docs/guides/'))
  .flatMap(codeBlocks)
  .filter(({ language, code }) => /^[jt]s$/.test(language) && isClient(code));

function isClient(code: string): boolean {
  const isOfPage = /\blocation\b|\bdocument\b|gemsocket\/shared'|SecureWebsocketClient/.test(code);
  const loops = /for await|getMessage\(|createClient\(|drained\(/.test(code);
  const hasServer = /localhost:8080|connect\('wss:|(^|[^.\w])client\.(sendMessage\w*|getMessage)\(/m.test(code);
  return loops && hasServer && !isOfPage && !/\bserver\b/.test(code);
}

/** Its page draws a frame now and then. */
const FRAMES = 'globalThis.requestAnimationFrame ??= (call) => setTimeout(call, 16);\n';

const treatments: readonly (readonly [string, readonly [Malice, ...Malice[]]])[] = [
  ['floods it, breaks off, and then talks nonsense', [malice.floods, malice.talksNonsense]],
  ['breaks off in a frame, vanishes, and then refuses it', [malice.breaksOff, malice.vanishes, malice.refuses]],
  ['leaves at once, and then refuses it', [malice.leaves, malice.refuses]],
];

describe.each(treatments)('a server ends no client of the documents: it %s', (_what, treatment) => {
  test.each(blocks.map((block) => [`${block.file}:${block.line}`, block] as const))('%s', async (_name, block) => {
    await using server = await hostileServer(...treatment);
    await survives(await start(block, server.port));
  });

  test('examples/openplanet/client.js', async () => {
    await using server = await hostileServer(...treatment);
    await survives(runNode('examples/openplanet/client.js', [String(server.port)]));
  });
});

test('all of them are found', () => {
  const files = blocks.map(({ file }) => file);
  expect(files.filter((file) => file === 'README.md')).toHaveLength(4);
  expect(files).toEqual(expect.arrayContaining(['docs/guides/direct.md', 'docs/guides/polled.md']));
});

async function start(block: CodeBlock, port: number): Promise<Program> {
  return runNode(await writeProgram('client.mjs', FRAMES + programOf(block, port)));
}

/** It comes to the end of its loop, or, where the loop is a page's and goes on, says how the connection has ended. */
async function survives(program: Program): Promise<void> {
  await Promise.race([program.ended(), program.printed(/^ended \d+/m).catch(() => {})]);
  expect([program.hasEnded ? await program.ended() : 0, program.output]).toEqual([0, expect.not.stringMatching(/unhandled|Uncaught/i)]);
}
