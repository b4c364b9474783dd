import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import * as CloseCode from '../../src/core/close-codes.js';
import * as SessionCloseCode from '../../src/session/close-code.js';
import { codeSpans } from './markdown.js';

const text = readFileSync('docs/errors.md', 'utf8');
const sections = new Map([...text.matchAll(/^### ([A-Z_]+)\n([\s\S]*?)(?=^##)/gm)].map(([, code = '', body = '']) => [code, body]));

describe('docs/errors.md', () => {
  test('has every code of src/core/messages.ts, in the same order, and no other', () => {
    expect([...sections.keys()]).toEqual(codesOfTheType());
  });

  test.each([...sections])('%s has the occasion, the context and the advice', (_code, body) => {
    expect(body).toMatch(/^- When: [\s\S]*^- Context: [\s\S]*^- Do: /m);
  });

  test.each([...contextFields()])('%s: the fields that the code gives it are the fields that are documented', (code, fields) => {
    const [, context = ''] = /^- Context: ([\s\S]*?)^- Do: /m.exec(sections.get(code) ?? '') ?? [];
    const documented = codeSpans(context).filter((span) => /^[a-z]\w*$/.test(span) && span !== 'cause');
    expect(documented.sort()).toEqual([...fields].sort());
  });

  test('has every close code that the library may give by itself', () => {
    const [, closeCodes = ''] = text.split('## Close codes');
    const documented = [...closeCodes.matchAll(/^\| (\d{4}) \|/gm)].map(([, code]) => Number(code));
    expect(documented.sort()).toEqual(closeCodesThatAreUsed());
  });
});

function codesOfTheType(): string[] {
  const [, union = ''] = /export type ErrorCode =([^;]+);/.exec(readFileSync('src/core/messages.ts', 'utf8')) ?? [];
  return [...union.matchAll(/'([A-Z_]+)'/g)].map(([, code = '']) => code);
}

/** By code: the names in the object that is the second argument of `makeError`, wherever it is written, and in the third of `invalid`. */
function contextFields(): Map<string, Set<string>> {
  const fields = new Map<string, Set<string>>();
  const add = (code: string, context: ts.Expression | undefined, source: ts.SourceFile) => {
    const names = context === undefined ? [] : namesIn(context, source);
    fields.set(code, new Set([...(fields.get(code) ?? []), ...names]));
  };
  for (const source of sources()) {
    visit(source, (node) => {
      if (!ts.isCallExpression(node)) return;
      const called = node.expression.getText(source);
      const [first, second, third] = node.arguments;
      if (called === 'makeError' && first !== undefined && ts.isStringLiteral(first)) add(first.text, second, source);
      if (called === 'invalid') add('INVALID_OPTION', third, source);
    });
  }
  return fields;
}

/** The fields of values that are declared elsewhere, by the last word of the expression that an error's context is made of. */
const FIELDS_OF: Readonly<Record<string, readonly string[]>> = {
  inbox: ['maxMessages', 'maxBytes'],
  info: ['code', 'reason', 'wasClean'],
  late: ['messages', 'bytes'],
  limit: ['messagesPerSecond', 'burst'],
};

function namesIn(context: ts.Expression, source: ts.SourceFile): string[] {
  const known = FIELDS_OF[/\w+$/.exec(context.getText(source))?.[0] ?? ''];
  if (known !== undefined) return [...known];
  if (ts.isIdentifier(context)) return declarationsOf(context.text, source).flatMap((value) => namesIn(value, source));
  if (ts.isConditionalExpression(context)) return [...namesIn(context.whenTrue, source), ...namesIn(context.whenFalse, source)];
  if (!ts.isObjectLiteralExpression(context)) throw new Error(`${source.fileName}: cannot tell the fields of ${context.getText(source)}`);
  return context.properties.flatMap((property) =>
    ts.isSpreadAssignment(property) ? namesIn(property.expression, source) : [property.name?.getText(source) ?? ''],
  );
}

function declarationsOf(name: string, source: ts.SourceFile): ts.Expression[] {
  const values: ts.Expression[] = [];
  visit(source, (node) => {
    if (ts.isVariableDeclaration(node) && node.name.getText(source) === name && node.initializer !== undefined)
      values.push(node.initializer);
  });
  return values;
}

/** The close codes that something besides the rules of reconnecting and of counting uses. */
function closeCodesThatAreUsed(): number[] {
  const codes = { ...CloseCode } as unknown as Readonly<Record<string, number>>;
  const sessionCodes: Readonly<Record<string, number>> = { ...SessionCloseCode };
  const used = new Set<number>([CloseCode.normal]);
  for (const source of sources()) {
    if (/close-codes\.ts$|server[\\/]metrics\.ts$/.test(source.fileName)) continue;
    for (const [, name = ''] of source.text.matchAll(/\bCloseCode\.(\w+)/g)) used.add(codes[name] as number);
    for (const [, name = ''] of source.text.matchAll(/\bSessionCloseCode\.(\w+)/g)) used.add(sessionCodes[name] as number);
  }
  // 1006 is reported and never sent.
  used.delete(CloseCode.abnormal);
  return [...used].sort();
}

function sources(): ts.SourceFile[] {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
  return files.map((file) => ts.createSourceFile(join('src', file), readFileSync(join('src', file), 'utf8'), ts.ScriptTarget.ES2022));
}

function visit(source: ts.SourceFile, look: (node: ts.Node) => void): void {
  const walk = (node: ts.Node): void => {
    look(node);
    node.forEachChild(walk);
  };
  walk(source);
}
