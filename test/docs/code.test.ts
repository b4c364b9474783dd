import { resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { type CodeBlock, codeBlocks, documents } from './markdown.js';

/** Each block is a module of its own, that sees the built package's types as a user's editor does. */
const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  noEmit: true,
  allowJs: true,
  // JavaScript has no place for the types of parameters; everything else is checked.
  checkJs: true,
};

test('every ts and js block of the documents type-checks', () => {
  const blocks = documents()
    .flatMap(codeBlocks)
    .filter(({ language }) => language === 'ts' || language === 'js');
  expect(blocks.length).toBeGreaterThan(20);
  expect(problemsOf(blocks)).toEqual([]);
});

test('a block with a wrong name is found', () => {
  const block: CodeBlock = { file: 'docs/x.md', line: 7, language: 'ts', code: 'client.sendMesage("x");\n', run: undefined };
  expect(problemsOf([block])).toEqual([expect.stringMatching(/^docs\/x\.md:7: .*sendMesage/)]);
});

function problemsOf(blocks: readonly CodeBlock[]): string[] {
  const prelude = resolve('test/docs/prelude.d.ts');
  const byPath = new Map(
    blocks.map((block) => [resolve(`block-${block.file.replace(/\W/g, '-')}-${block.line}.${block.language}`), block]),
  );
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  const textOf = (path: string) => {
    const block = byPath.get(path);
    return block && `${block.code}export {};\n`;
  };
  host.fileExists = (path) => byPath.has(path) || fileExists(path);
  host.readFile = (path) => textOf(path) ?? readFile(path);
  const { getSourceFile } = host;
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = textOf(path);
    return text === undefined ? getSourceFile(path, languageVersion, ...rest) : ts.createSourceFile(path, text, languageVersion);
  };
  const program = ts.createProgram([prelude, ...byPath.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => told(diagnostic, byPath));
}

function told({ file, start, messageText }: ts.Diagnostic, byPath: ReadonlyMap<string, CodeBlock>): string {
  const message = ts.flattenDiagnosticMessageText(messageText, '\n');
  const block = file && byPath.get(file.fileName);
  if (file === undefined || block === undefined) return `${file?.fileName ?? 'the compiler'}: ${message}`;
  return `${block.file}:${block.line + file.getLineAndCharacterOfPosition(start ?? 0).line}: ${message}`;
}
