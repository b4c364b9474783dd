import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, inject, test } from 'vitest';

/** The declarations in the package's own files, by their path as a program writes it: `ClientOptions.reconnect`. */
interface Declared {
  readonly path: string;
  readonly node: ts.Node;
  readonly hasComment: boolean;
}

const entries = ['node', 'browser', 'server', 'session', 'shared', 'topics', 'websocket-stream'];

describe('the declarations that an editor shows', () => {
  const declared = everythingDeclared();

  test('are found', () => {
    const paths = declared.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['ClientEvents.reconnected', 'ConnectOptions.type', 'ServerOptions.origins', 'listen']));
  });

  test('have a comment each', () => {
    expect(declared.filter(({ hasComment }) => !hasComment).map(({ path }) => path)).toEqual([]);
  });

  test('accept undefined wherever a property is optional', () => {
    const strict = declared.filter(
      ({ node }) => ts.isPropertySignature(node) && node.questionToken !== undefined && !takesUndefined(node.type),
    );
    expect(strict.map(({ path }) => path)).toEqual([]);
  });
});

function takesUndefined(type: ts.TypeNode | undefined): boolean {
  if (type === undefined) return false;
  if (ts.isUnionTypeNode(type)) return type.types.some(takesUndefined);
  return type.kind === ts.SyntaxKind.UndefinedKeyword || type.kind === ts.SyntaxKind.UnknownKeyword;
}

/** The exports of every entry, and their members. */
function everythingDeclared(): Declared[] {
  const folder = join(inject('installation'), 'node_modules/gemsocket/dist');
  const program = ts.createProgram(
    entries.map((entry) => join(folder, `${entry}.d.ts`)),
    { target: ts.ScriptTarget.ES2022, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'], types: [], noEmit: true },
  );
  const checker = program.getTypeChecker();
  const found = new Map<string, Declared>();
  const add = (path: string, symbol: ts.Symbol): void => {
    const [node] = symbol.getDeclarations() ?? [];
    if (node === undefined || found.has(path) || !node.getSourceFile().fileName.startsWith(folder)) return;
    found.set(path, { path, node, hasComment: symbol.getDocumentationComment(checker).length > 0 });
    for (const member of membersOf(checker, symbol)) add(`${path}.${member.name}`, member);
  };
  for (const source of program.getRootFileNames().map((file) => program.getSourceFile(file))) {
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) continue;
    for (const symbol of checker.getExportsOfModule(module)) add(symbol.name, resolved(checker, symbol));
  }
  return [...found.values()];
}

function resolved(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** The members of a class or an interface, or of the object type in an alias or a property. Private and protected ones are not shown. */
function membersOf(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol[] {
  const [node] = symbol.getDeclarations() ?? [];
  if (node === undefined) return [];
  const isNamed = ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node);
  const members = isNamed
    ? checker.getDeclaredTypeOfSymbol(symbol).getProperties()
    : literalsIn(node).flatMap((type) => checker.getTypeAtLocation(type).getProperties());
  return members.filter((member) => !isHidden(member));
}

function literalsIn(node: ts.Node): ts.TypeLiteralNode[] {
  const { type } = node as { type?: ts.TypeNode };
  if (type === undefined) return [];
  const parts: readonly ts.TypeNode[] = ts.isUnionTypeNode(type) || ts.isIntersectionTypeNode(type) ? type.types : [type];
  return parts.filter(ts.isTypeLiteralNode);
}

function isHidden(member: ts.Symbol): boolean {
  const [declaration] = member.getDeclarations() ?? [];
  if (declaration === undefined || /^(__|#)/.test(member.name)) return true;
  return (ts.getCombinedModifierFlags(declaration as ts.Declaration) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0;
}
