import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright';
import { createServer } from 'vite';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPage } from '../examples/browser.js';
import { freePort, type Program, runNode } from '../examples/program.js';
import { type CodeBlock, codeBlocks } from './markdown.js';

const guide = 'docs/guides/development-servers.md';
let blocks: CodeBlock[];

beforeAll(async () => {
  blocks = codeBlocks({ file: guide, text: await readFile(guide, 'utf8') });
});

/** Vite serves a page that runs one of the guide's programs, and the guide's server listens beside it. */
interface Setting {
  readonly vitePort: number;
  readonly server: Program;
  /** Opens the page. */
  visit(): Promise<{ page: Page; errors: string[] }>;
}

interface Choice {
  readonly program: string;
  readonly config?: string;
  /** Replaces the list of origins in the guide's server. */
  readonly origins?: string;
}

async function develop({ program, config, origins }: Choice): Promise<Setting> {
  const ports = { 8080: await freePort(), 5173: await freePort() };
  const root = await projectFolder();
  const code = (name: string) =>
    Object.entries(ports).reduce((text, [port, free]) => text.replaceAll(port, String(free)), blockNamed(name).code);
  const serverCode = origins === undefined ? code('server.mjs') : code('server.mjs').replace(/origins: .*,\n/, origins);
  await writeFile(join(root, 'server.mjs'), `${serverCode}\nconsole.log('listening on', server.port);\n`);
  await writeFile(
    join(root, 'index.html'),
    `<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="/${program}"></script>`,
  );
  await writeFile(join(root, program), code(program));
  if (config !== undefined) await writeFile(join(root, config), code(config));
  const server = await runNode(join(root, 'server.mjs'));
  await server.printed(/listening on/);
  const vite = await createServer({
    root,
    configFile: config === undefined ? false : join(root, config),
    server: { port: ports[5173], strictPort: true, host: 'localhost' },
    logLevel: 'silent',
  });
  onTestFinished(() => vite.close());
  await vite.listen();
  return {
    vitePort: ports[5173],
    server,
    async visit() {
      const opened = await openPage();
      await opened.page.goto(`http://localhost:${ports[5173]}/`);
      return opened;
    },
  };
}

/** A project as `npm install gemsocket` leaves it. */
async function projectFolder(): Promise<string> {
  await mkdir('build', { recursive: true });
  const root = resolve(await mkdtemp(join('build', 'vite-')));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await writeFile(join(root, 'package.json'), '{ "name": "page", "private": true, "type": "module" }');
  const installed = join(root, 'node_modules/gemsocket');
  await cp('dist', join(installed, 'dist'), { recursive: true });
  await cp('package.json', join(installed, 'package.json'));
  return root;
}

function blockNamed(name: string): CodeBlock {
  const block = blocks.find(({ run }) => run === name);
  if (block === undefined) throw new Error(`${guide} has no block <!-- run: ${name} -->`);
  return block;
}

describe('a page of Vite', () => {
  test('connects to the server whose origins list it', async () => {
    const { visit } = await develop({ program: 'direct.js' });
    const { page } = await visit();
    await page.getByText('received hello').waitFor();
  });

  test('gets 403 without that, and the console of the server has the line that the guide shows', async () => {
    const { visit, server, vitePort } = await develop({ program: 'direct.js', origins: '' });
    const { errors } = await visit();
    const origin = `http://localhost:${vitePort}`;
    const [line] = await server.printed(/gemsocket: refused .*/);
    const shown = blocks.find(({ language, code }) => language === '' && code.startsWith('gemsocket: refused'))?.code.trim();
    expect(line.replace(/refused \S+/, 'refused 127.0.0.1')).toBe(shown?.replaceAll('http://localhost:5173', origin));
    await expect.poll(() => errors.join()).toContain('403');
  });

  test("connects through Vite's proxy to a server without a list of origins", async () => {
    const { visit } = await develop({ program: 'forwarded.js', config: 'vite.config.js', origins: '' });
    const { page } = await visit();
    await page.getByText('received hello').waitFor();
  });
});
