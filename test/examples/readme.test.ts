import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { attach } from 'gemsocket/server';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type CodeBlock, codeBlocks } from '../docs/markdown.js';
import { openPage } from './browser.js';
import { freePort, type Program, runNode } from './program.js';

let blocks: CodeBlock[];
let packageJson: { name: string; scripts: Record<string, string> };

beforeAll(async () => {
  blocks = codeBlocks({ file: 'README.md', text: await readFile('README.md', 'utf8') });
  packageJson = JSON.parse(await readFile('package.json', 'utf8'));
});

/** What each client of the README prints when it is run against the README's server. */
const PRINTS: Readonly<Record<string, string>> = {
  'bus.js': 'received hello\n',
  'direct.js': 'received hello\n',
  'polled.js': 'received hello\nclosed 1000\n',
  'session.js': 'received hello\n',
};

describe('the code of README.md', () => {
  test('is run by this file, all of it', () => {
    const programs = blocks.filter(({ language }) => language !== 'sh').map(({ run }) => run);
    expect(programs).toEqual(['server.js', ...Object.keys(PRINTS), 'index.html']);
  });

  test('its commands are those of this package', () => {
    const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => code.trim().split('\n'));
    expect(commands).toEqual([`npm install ${packageJson.name}`, 'npm start', 'npm test']);
    expect(packageJson.scripts).toMatchObject({ start: expect.any(String), test: expect.any(String) });
  });

  test.each(Object.entries(PRINTS))('%s does against the server what it says', async (name, prints) => {
    const port = await freePort();
    const server = await start('server.js', port);
    await server.printed(new RegExp(`listening on port ${port}`));
    const client = await start(name, port);
    expect(await client.ended(), client.output).toBe(0);
    expect(client.output).toBe(prints);
  });

  test('the page works with its one script tag, from the host and port of the server', async () => {
    const origin = await serve(code('index.html', 0));
    const { page, errors } = await openPage();
    await page.goto(origin);
    await page.getByText('received hello').waitFor();
    expect(errors.filter((error) => !error.includes('404'))).toEqual([]);
  });
});

/** What the README's server does, attached to an HTTP server that hands out the page and the installed package. */
async function serve(page: string): Promise<string> {
  const http = createServer(async (request, response) => {
    const path = request.url ?? '/';
    if (path === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html>${page}`);
    else if (path.startsWith(`/node_modules/${packageJson.name}/`))
      response.end(await readFile(path.replace(`/node_modules/${packageJson.name}/`, '')));
    else response.writeHead(404).end();
  });
  const server = attach(http);
  server.on('connection', (client) => {
    client.on('message', (message) => server.broadcast(message));
  });
  http.listen(0, 'localhost');
  await once(http, 'listening');
  onTestFinished(async () => {
    await server.close();
    http.closeAllConnections();
    http.close();
  });
  return `http://localhost:${server.port}`;
}

/** On a port that is free here, instead of 8080. */
function code(name: string, port: number): string {
  const block = blocks.find(({ run }) => run === name);
  if (block === undefined) throw new Error(`README.md has no block <!-- run: ${name} -->`);
  return block.code.replaceAll('8080', String(port));
}

/** Below the package, so that 'gemsocket' is the built package itself. */
async function start(name: string, port: number): Promise<Program> {
  await mkdir('build', { recursive: true });
  const directory = await mkdtemp(join('build', 'readme-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, name);
  await writeFile(file, code(name, port));
  return runNode(file);
}
