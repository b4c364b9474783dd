import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { withAbsoluteLinks } from '../../scripts/readme-links.mjs';
import { relativeLinks } from '../docs/markdown.js';

const root = () => join(inject('installation'), 'node_modules/gemsocket');
const markdownFiles = () => readdirSync(root(), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'));

describe('the documents of the installed package', () => {
  test('are the README, the changelog, the guides and the examples, without the API reference', () => {
    expect(markdownFiles()).toEqual(
      expect.arrayContaining([
        'README.md',
        'CHANGELOG.md',
        join('docs', 'errors.md'),
        join('docs', 'guides', 'direct.md'),
        join('examples', 'README.md'),
      ]),
    );
    expect(existsSync(join(root(), 'docs/api'))).toBe(false);
  });

  test('have no broken relative link', () => {
    const broken = markdownFiles().flatMap((file) => {
      const links = relativeLinks(readFileSync(join(root(), file), 'utf8'));
      const paths = links.map((link) => link.split('#', 1)[0] as string).filter((path) => path !== '');
      return paths.filter((path) => !existsSync(join(root(), dirname(file), path))).map((path) => `${file}: ${path}`);
    });
    expect(broken).toEqual([]);
  });
});

describe('npm pack', () => {
  const TEXT = '![a](docs/a.png) [b](docs/b.md#c), [d](#d), [e](https://e.example)\n';

  test('keeps relative links unchanged while package.json has no repository', () => {
    expect(packedReadme(TEXT, {})).toEqual({ packed: TEXT, inFolder: TEXT });
  });

  test('rewrites links to point to the repository in the packed README, and does not change the one in the folder', () => {
    const packed =
      '![a](https://raw.githubusercontent.com/someone/gems/HEAD/docs/a.png) [b](https://github.com/someone/gems/blob/HEAD/docs/b.md#c), [d](#d), [e](https://e.example)\n';
    expect(packedReadme(TEXT, { repository: 'github:someone/gems' })).toEqual({ packed, inFolder: TEXT });
  });

  test('rewrites addresses in the tags of pictures, and does not change code', () => {
    const text = '<picture><source media="m" srcset="a.webp"><img src="b.webp" alt="c"></picture>\n<script src="d.js"></script>\n';
    const address = 'https://raw.githubusercontent.com/someone/gems/HEAD';
    const packed = text.replace('a.webp', `${address}/a.webp`).replace('b.webp', `${address}/b.webp`);
    expect(withAbsoluteLinks(text, 'github:someone/gems')).toBe(packed);
  });

  test('reports a repository on a host whose link format is unknown', () => {
    expect(() => withAbsoluteLinks(TEXT, { url: 'https://git.example/gems.git' })).toThrow('https://git.example/gems.git');
  });
});

/** The README as `npm pack` produces it with this package's own prepack and postpack scripts. */
function packedReadme(text: string, fields: object): { packed: string; inFolder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'gemsocket-pack-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<'prepack' | 'postpack', string> };
  const prepack = scripts.prepack.replace('npm run build && ', '');
  const own = { name: 'packed', version: '1.0.0', scripts: { prepack, postpack: scripts.postpack }, ...fields };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(own));
  writeFileSync(join(folder, 'README.md'), text);
  for (const name of ['scripts', 'node_modules']) symlinkSync(resolve(name), join(folder, name), 'junction');
  execFileSync('npm', ['pack', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  execFileSync('tar', ['-xzf', 'packed-1.0.0.tgz'], { cwd: folder });
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  return { packed: read('package/README.md'), inFolder: read('README.md') };
}
