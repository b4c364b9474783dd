import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** Layer by layer: imports that its file may have, and imports that the linter must refuse. */
const layers: readonly { file: string; allowed: readonly string[]; refused: readonly string[] }[] = [
  {
    file: 'src/core/a.ts',
    allowed: ['./b.js'],
    refused: ['../session/b.js', '../platform/node/b.js', '../bus/b.js', './../server/b.js', 'ws', 'isomorphic-ws', 'node:net'],
  },
  {
    file: 'src/session/a.ts',
    allowed: ['./b.js', '../core/b.js'],
    refused: ['../server/b.js', '../platform/node/b.js', '../core/../bus/b.js', 'ws', 'node:net'],
  },
  {
    file: 'src/platform/browser/a.ts',
    allowed: ['./b.js', '../../core/b.js', 'isomorphic-ws'],
    refused: ['../node/b.js', '../../session/b.js', '../../bus/b.js', 'ws', 'node:net'],
  },
  {
    file: 'src/platform/node/a.ts',
    allowed: ['./b.js', '../../core/b.js', 'isomorphic-ws', 'ws', 'node:net'],
    refused: ['../browser/b.js', '../../server/b.js', '../../bus/b.js', 'express'],
  },
  {
    file: 'src/platform/standard/a.ts',
    allowed: ['./b.js', '../../core/b.js'],
    refused: ['../node/b.js', '../browser/b.js', 'isomorphic-ws', 'ws', 'node:net'],
  },
  {
    file: 'src/shared/a.ts',
    allowed: ['./b.js', '../core/b.js'],
    refused: ['../platform/browser/b.js', '../platform/standard/b.js', '../session/b.js', '../bus/b.js', 'isomorphic-ws', 'ws'],
  },
  {
    file: 'src/bus/a.ts',
    allowed: ['./b.js', '../core/b.js'],
    refused: ['../platform/node/b.js', '../session/b.js', '../server/b.js', 'ws', 'node:net'],
  },
  {
    file: 'src/server/a.ts',
    allowed: ['./b.js', '../core/b.js', '../session/b.js', '../platform/node/b.js', '../backplane/backplane.js', 'ws', 'node:http'],
    refused: ['../bus/b.js', '../platform/browser/b.js', '../backplane/redis/b.js', '../entry/b.js', 'express'],
  },
  {
    file: 'src/backplane/redis/a.ts',
    allowed: ['./b.js', '../backplane.js', 'redis'],
    refused: ['../memory/b.js', '../../core/b.js', '../../server/b.js', 'ws'],
  },
  { file: 'src/entry/a.ts', allowed: ['./b.js', '../core/b.js', '../platform/node/b.js'], refused: ['ws', 'isomorphic-ws', 'node:net'] },
  {
    file: 'src/cli/a.ts',
    allowed: ['./b.js', 'gemsocket', 'gemsocket/server', 'node:util'],
    refused: ['../core/b.js', '../server/b.js', 'gemsocket/dist/node.js', 'ws'],
  },
  { file: 'demo/a.mjs', allowed: ['./b.js', 'gemsocket', 'gemsocket/server'], refused: ['../src/core/b.js', '../dist/node.js', 'ws'] },
  {
    file: 'examples/one/a.ts',
    allowed: ['./b.js', 'gemsocket', 'express'],
    refused: ['../../src/core/b.js', '../../build/core/b.js', 'ws'],
  },
  {
    file: 'e2e/a.ts',
    allowed: ['./b.js', 'gemsocket', '@playwright/test'],
    refused: ['../src/core/b.js', '../dist/browser.js', 'isomorphic-ws'],
  },
];

interface Diagnostic {
  readonly category: string;
  readonly location: { readonly path: string; readonly start: { readonly line: number } };
}

let folder: string;
let refusals: ReadonlySet<string>;

/** Every import in a line of its own; one run of the linter over all, in a folder that has the project's rules. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gemsocket-layers-'));
  copyFileSync('biome.json', join(folder, 'biome.json'));
  for (const { file, allowed, refused } of layers) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), [...allowed, ...refused].map((source) => `import '${source}';\n`).join(''));
  }
  refusals = new Set(lint().map(({ location }) => `${location.path}:${location.start.line}`));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function lint(): Diagnostic[] {
  const biome = resolve('node_modules/@biomejs/biome/bin/biome');
  const args = [biome, 'lint', '--only=style/noRestrictedImports', '--reporter=json', '--max-diagnostics=none'];
  try {
    execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
    return [];
  } catch (error) {
    return (JSON.parse((error as { stdout: string }).stdout) as { diagnostics: Diagnostic[] }).diagnostics;
  }
}

describe.each(layers)('$file', ({ file, allowed, refused }) => {
  const lineOf = (source: string) => `${file}:${[...allowed, ...refused].indexOf(source) + 1}`;

  test.each(allowed)('may import %s', (source) => expect(refusals).not.toContain(lineOf(source)));
  test.each(refused)('may not import %s', (source) => expect(refusals).toContain(lineOf(source)));
});
