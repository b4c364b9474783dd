import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

/**
 * The references in the tsconfig.json of each layer define the layers: the compiler refuses an import from a layer that is not referenced.
 * The compiler does not refuse packages, so the packages that a layer may import are listed here.
 */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  'src/platform/browser': /^isomorphic-ws$/,
  'src/platform/node': /^(isomorphic-ws|ws|node:.+)$/,
  'src/server': /^(isomorphic-ws|ws|node:.+)$/,
};

/** Programs that use the built package, as an application does. */
const USERS = ['demo', 'examples', 'e2e'];

interface Config {
  readonly extends: string;
  readonly include: readonly string[];
  readonly references?: readonly { readonly path: string }[];
}

const filesOf = (folder: string, ...extensions: string[]) => ts.sys.readDirectory(folder, extensions, ['**/node_modules']);
const importsOf = (file: string) => ts.preProcessFile(readFileSync(file, 'utf8'), true, true).importedFiles.map(({ fileName }) => fileName);
const folderOf = (file: string) => posix.dirname(file);

/** By folder: the project of each layer. */
const layers = new Map(
  filesOf('src', 'tsconfig.json').map((file) => [folderOf(file), JSON.parse(readFileSync(file, 'utf8')) as Config] as const),
);

/** The layers that a layer may import, its own included. */
function reachableFrom(layer: string): string[] {
  return [layer, ...(layers.get(layer)?.references ?? []).map(({ path }) => posix.join(layer, path))];
}

function isAllowed(file: string, specifier: string): boolean {
  const layer = folderOf(file);
  const isRelative = /^\.\.?\//.test(specifier);
  const target = posix.join(layer, specifier);
  if (!file.startsWith('src/')) {
    return isRelative ? !/^(src|build|dist)\//.test(target) : !/^(ws$|isomorphic-ws$|gemsocket\/dist\/)/.test(specifier);
  }
  return isRelative ? reachableFrom(layer).includes(folderOf(target)) : (PACKAGES[layer]?.test(specifier) ?? false);
}

test.each(['src', ...USERS])('every import in %s is allowed', (folder) => {
  const imports = filesOf(folder, '.ts', '.js', '.mjs').flatMap((file) => importsOf(file).map((specifier) => ({ file, specifier })));
  expect(imports).not.toEqual([]);
  expect(imports.filter(({ file, specifier }) => !isAllowed(file, specifier))).toEqual([]);
});

test('every module of src belongs to a layer, a project of its own that the compiler keeps to its references', () => {
  expect([...new Set(filesOf('src', '.ts').map(folderOf))].sort()).toEqual([...layers.keys()].sort());
  for (const [layer, { extends: base, include }] of layers) {
    expect(include.filter((pattern) => !pattern.endsWith('core/globals.d.ts'))).toEqual(['**/*.ts']);
    expect(posix.join(layer, base)).toBe('tsconfig.base.json');
  }
  expect(JSON.parse(readFileSync('tsconfig.base.json', 'utf8'))).toMatchObject({ compilerOptions: { composite: true, types: [] } });
});

/** Imports that a file of each layer may have, and imports that it may not. */
const arrows: readonly { file: string; allowed: readonly string[]; refused: readonly string[] }[] = [
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
  { file: 'src/backplane/a.ts', allowed: ['./b.js'], refused: ['../core/b.js', '../session/b.js', '../server/b.js', 'ws', 'node:net'] },
  {
    file: 'src/server/a.ts',
    allowed: ['./b.js', '../core/b.js', '../session/b.js', '../backplane/b.js', '../platform/node/b.js', 'ws', 'node:http'],
    refused: ['../bus/b.js', '../platform/browser/b.js', '../entry/b.js', 'express'],
  },
  { file: 'src/entry/a.ts', allowed: ['./b.js', '../core/b.js', '../platform/node/b.js'], refused: ['ws', 'isomorphic-ws', 'node:net'] },
  { file: 'demo/a.mjs', allowed: ['./b.js', 'gemsocket', 'gemsocket/server'], refused: ['../src/core/b.js', '../dist/node.js', 'ws'] },
  {
    file: 'examples/one/a.ts',
    allowed: ['./b.js', 'gemsocket', 'express'],
    refused: ['../../src/core/b.js', '../../build/core/b.js', 'ws', 'gemsocket/dist/node.js'],
  },
  {
    file: 'e2e/a.ts',
    allowed: ['./b.js', 'gemsocket', '@playwright/test'],
    refused: ['../src/core/b.js', '../dist/browser.js', 'isomorphic-ws'],
  },
];

describe.each(arrows)('$file', ({ file, allowed, refused }) => {
  test.each(allowed)('may import %s', (specifier) => expect(isAllowed(file, specifier)).toBe(true));
  test.each(refused)('may not import %s', (specifier) => expect(isAllowed(file, specifier)).toBe(false));
});
