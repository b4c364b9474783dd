import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

/** The projects that the script names. Vitest joins negated names with "or": two of them exclude nothing. */
function projectsOf(script: string): string[] {
  return [...(scripts[script] ?? '').matchAll(/--project[ =](\S+)/g)].map(([, name]) => name ?? '');
}

it('`npm test` runs each vitest project in exactly one of its steps', () => {
  const named = ['test:coverage', 'test:packaging', 'test:runtimes'].flatMap(projectsOf);
  const folders = readdirSync('test', { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'support');
  expect(named.sort()).toEqual(folders.map(({ name }) => name).sort());
});
