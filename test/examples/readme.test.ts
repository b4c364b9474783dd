import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type CodeBlock, codeBlocks } from '../docs/markdown.js';
import { openPage } from './browser.js';
import { startCuttingProxy } from './cutting-proxy.js';
import { freePort, type Program, runNode } from './program.js';

let blocks: CodeBlock[];
let packageJson: { name: string; scripts: Record<string, string> };
/** The folder for a reader's programs, after `npm init -y` and `npm install gemsocket`. */
let project: string;

beforeAll(async () => {
  blocks = codeBlocks({ file: 'README.md', text: await readFile('README.md', 'utf8') });
  packageJson = JSON.parse(await readFile('package.json', 'utf8'));
});

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gemsocket-readme-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'package.json'), '{ "name": "project", "version": "1.0.0", "type": "commonjs" }');
  await mkdir(join(folder, 'node_modules'));
  await symlink(resolve('.'), join(folder, 'node_modules', packageJson.name), 'junction');
  project = folder;
});

/** The output of moves.mjs: a session's server, and its client that sends the moves. */
const MOVES = Array.from({ length: 10 }, (_, index) => `received move ${index + 1}`);

/** The output of each client of the README, run against the README's server. */
const PRINTS: Readonly<Record<string, string>> = {
  'bus.mjs': 'received hello\n',
  'direct.mjs': 'received hello\n',
  'polled.mjs': 'received hello\nclosed 1000\n',
  'session.mjs': 'received hello\n',
};

describe('the code of README.md', () => {
  test('is run completely by this file', () => {
    const programs = blocks.filter(({ language }) => language !== 'sh').map(({ run }) => run);
    expect(programs).toEqual(['moves.mjs', ...Object.keys(PRINTS), 'server.mjs', 'index.html', 'page.mjs']);
  });

  test('has only commands of this package', () => {
    const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => code.trim().split('\n'));
    expect(commands).toEqual([`npm install ${packageJson.name}`, 'npm start', 'npm test']);
    expect(packageJson.scripts).toMatchObject({ start: expect.any(String), test: expect.any(String) });
  });

  test('moves.mjs has eight lines, as the README says', () => {
    expect(block('moves.mjs').code.match(/^.+$/gm)).toHaveLength(8);
  });

  test('moves.mjs receives each move once and in order', async () => {
    const program = await start('moves.mjs', await freePort());
    await program.printed(/move 10\n/);
    expect(program.output.trim().split('\n')).toEqual(MOVES);
  });

  test('moves.mjs receives each move once and in order although a disconnect destroyed all of them in transit', async () => {
    const port = await freePort();
    await using proxy = await startCuttingProxy(port);
    const program = await start('moves.mjs', port, (code) => code.replace(`'localhost:${port}'`, `'localhost:${proxy.port}'`));
    const [report] = await program.printed(/replayed .*\n/);
    await program.printed(/move 10\n/);
    expect(proxy.cuts).toBe(1);
    expect(report).toBe('replayed 10 lost 0\n');
    expect(program.output.replace(report, '').trim().split('\n')).toEqual(MOVES);
  });

  test.each(Object.entries(PRINTS))('%s prints the documented output when run against the server', async (name, prints) => {
    const port = await freePort();
    const server = await start('server.mjs', port);
    await server.printed(new RegExp(`listening on port ${port}`));
    const client = await start(name, port);
    expect(await client.ended(), client.output).toBe(0);
    expect(client.output).toBe(prints);
  });

  test('the page and its server work unchanged', async () => {
    const port = await freePort();
    await save('index.html', port);
    const server = await start('page.mjs', port);
    await server.printed(new RegExp(`listening on port ${port}`));
    const { page, errors } = await openPage();
    await page.goto(`http://localhost:${port}`);
    await page.getByText('received hello').waitFor();
    expect(errors).toEqual([]);
  });
});

async function start(name: string, port: number, change?: (code: string) => string): Promise<Program> {
  return runNode(await save(name, port, change), [], {}, project);
}

/** With a free port instead of 8080. */
async function save(name: string, port: number, change = (code: string) => code): Promise<string> {
  const file = join(project, name);
  await writeFile(file, change(block(name).code.replaceAll('8080', String(port))));
  return file;
}

function block(name: string): CodeBlock {
  const found = blocks.find(({ run }) => run === name);
  if (found === undefined) throw new Error(`README.md has no block <!-- run: ${name} -->`);
  return found;
}
