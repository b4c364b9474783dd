import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const names = readdirSync('examples', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test('examples/README.md lists every example and no other', () => {
  const listed = [...readFileSync('examples/README.md', 'utf8').matchAll(/^- \[([\w-]+)\]\(\1\): /gm)].map(([, name]) => name);
  expect(listed.sort()).toEqual(names.sort());
});

test.each(names)('%s states its command, and a test runs it', (name) => {
  expect(readFileSync(`examples/${name}/README.md`, 'utf8')).toContain('`node ');
  expect(existsSync(`test/examples/${name}.test.ts`)).toBe(true);
});
