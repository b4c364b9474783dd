import ts from 'typescript';
import type { CodeBlock } from '../docs/markdown.js';

/** Declarations that a document uses without defining them. */
const VALUES: Readonly<Record<string, string>> = {
  chunks: 'Array.from({ length: 300 }, () => new Uint8Array(20_000))',
  player: '{ x: 1, y: 2 }',
};

/** For a block that uses the variables of an earlier block. */
const GIVEN: readonly { readonly name: string; readonly make: (port: number) => string }[] = [
  {
    name: 'server',
    make: (port) =>
      `import { listen as listenForTest } from 'gemsocket/server';\nconst server = await listenForTest('localhost', ${port});\n`,
  },
  {
    name: 'bus',
    make: () => "import { WebsocketRequestBus as BusForTest } from 'gemsocket';\nconst bus = new BusForTest();\n",
  },
  {
    name: 'client',
    make: (port) =>
      `import { connect as connectForTest } from 'gemsocket';\nconst client = await connectForTest('ws://localhost:${port}', { type: 'insecure' });\n`,
  },
];

/** A block of a document as its own JavaScript module, on a port of the test instead of the block's host and port. */
export function programOf({ code }: CodeBlock, port: number): string {
  const declared = [...code.matchAll(/^declare (function|const) (\w+)/gm)].map(([, kind, name = '']) =>
    kind === 'function' ? `const ${name} = () => undefined;\n` : `const ${name} = ${declaredValue(name)};\n`,
  );
  const before = GIVEN.filter(({ name }) => uses(code, name)).map(({ make }) => make(port));
  const here = code
    .replace(/connect\('wss:[^']*', \{/g, `connect('ws://localhost:${port}', { type: 'insecure',`)
    .replace(/\b(8080|5432)\b/g, String(port));
  const { outputText } = ts.transpileModule(here, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  });
  return [...before, ...declared, outputText].join('');
}

function declaredValue(name: string): string {
  const value = VALUES[name];
  if (value === undefined) throw new Error(`Say in VALUES what ${name} is.`);
  return value;
}

function uses(code: string, name: string): boolean {
  const makes = new RegExp(`(const|let|\\() *${name}\\b`).test(code.replace(/^\s*for .*$/gm, ''));
  return !makes && new RegExp(`(^|[^.\\w])${name}\\b[.)]`, 'm').test(code);
}
