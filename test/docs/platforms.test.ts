import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ABILITIES, lineOf, problemsOf, summaryOf, tablesOf, withPlatforms } from '../../scripts/matrix.mjs';
import { platforms } from '../conformance/facts.js';
import { suite } from '../conformance/suite.js';

const summary = JSON.parse(readFileSync('docs/platforms.json', 'utf8')) as ReturnType<typeof summaryOf>;

describe('the matrix of platforms', () => {
  test.each([
    ['docs/platforms.md', tablesOf(summary)],
    ['README.md', lineOf(summary)],
  ])('in %s is the one that docs/platforms.json gives', (file, text) => {
    const document = readFileSync(file, 'utf8');
    expect(withPlatforms(document, text)).toBe(document);
  });

  test('names every platform in the sentence of README.md, with the cases that pass on all of them', () => {
    expect(lineOf(summary)).toMatch(
      /^Tested on Node 20 to 26, Bun, Deno, workerd, Chromium, Firefox and WebKitGTK: one suite of \d{3} cases, \d{3} of them also with a session, passes/,
    );
  });

  test('in docs/platforms.json is whole: no platform is missing, and no case failed', () => {
    expect(problemsOf(summary)).toEqual([]);
  });

  test('has a row for whatever the suite describes', () => {
    const subjects = new Set(suite.map(({ name }) => name.slice(0, name.indexOf(':'))));
    const results = [...subjects].map((subject) => ({ name: `${subject}: something`, ms: 0 }));
    const rows = tablesOf(summaryOf([{ platform: 'deno', link: 'plain', version: '1', results }])).match(/✓/g);
    expect(rows?.length).toBe(subjects.size);
  });

  test('names a case that failed, and a run that is missing', () => {
    const results = [
      { name: 'close: one', ms: 1 },
      { name: 'close: two', ms: 1, failure: 'why' },
    ];
    const problems = problemsOf(summaryOf([{ platform: 'bun', link: 'plain', version: '1', results }]));
    expect(problems).toContain('bun-plain: close 1/2');
    expect(problems).toContain('bun-session: it did not run');
    expect(problems).toContain('node20-plain: it did not run');
  });
});

test.each(Object.keys(platforms.node))('docs/platforms.md explains the fact %s', (fact) => {
  const title = ABILITIES[fact as keyof typeof ABILITIES];
  expect(readFileSync('docs/platforms.md', 'utf8')).toContain(`\n| ${title} `);
});
