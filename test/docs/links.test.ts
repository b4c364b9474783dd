import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documents, relativeLinks } from './markdown.js';

describe.each(documents())('$file', ({ file, text }) => {
  test('every relative link leads to a file, and every anchor to a heading', () => {
    expect(relativeLinks(text).filter((link) => !leadsSomewhere(file, link))).toEqual([]);
  });
});

test('a link that leads nowhere is found', () => {
  expect(relativeLinks('[a](b.md) ![c](d.png) [e](https://f.example) `[g](h)` [i](#j)')).toEqual(['b.md', 'd.png', '#j']);
  expect(relativeLinks('<source media="x" srcset="a.webp"><img src="b.webp" alt=""> `<img src="c.webp">`')).toEqual(['a.webp', 'b.webp']);
  expect(leadsSomewhere('README.md', 'docs/no-such-file.md')).toBe(false);
  expect(leadsSomewhere('README.md', 'docs/errors.md#no-such-heading')).toBe(false);
  expect(leadsSomewhere('README.md', 'docs/errors.md#close-codes')).toBe(true);
});

function leadsSomewhere(from: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? from : join(dirname(from), path);
  if (!existsSync(target)) return false;
  return anchor === undefined || headingAnchors(readFileSync(target, 'utf8')).includes(anchor);
}

/** As GitHub makes them. */
function headingAnchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replace(/ /g, '-'),
  );
}
