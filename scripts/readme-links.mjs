/**
 * The relative links of README.md in the published package. Inside the package they lead to files of the package; a registry's web page
 * has no such files, so once package.json has a `repository`, the published README links to that. `npm pack` and `npm publish` call
 * `--rewrite` before (prepack) and `--restore` after (postpack).
 */
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import hostedGitInfo from 'hosted-git-info';

const README = 'README.md';
const ORIGINAL = '.cache/README.md';

/**
 * @param {string} markdown
 * @param {string | { url: string } | undefined} repository as in package.json; without it, nothing changes.
 */
export function withAbsoluteLinks(markdown, repository) {
  if (repository === undefined) return markdown;
  const url = typeof repository === 'string' ? repository : repository.url;
  const host = hostedGitInfo.fromUrl(url);
  if (host === undefined) throw new Error(`The repository ${url} in package.json is on no host whose links are known.`);
  const addressOf = (target, isImage) => {
    const [path, anchor] = target.split('#');
    const address = isImage ? host.file(path) : host.browseFile(path);
    return anchor === undefined ? address : `${address}#${anchor}`;
  };
  return markdown
    .replace(/(!?)(\[[^\]]*\])\((?![a-z]+:|#)([^)\s]+)\)/g, (_link, image, text, target) => {
      return `${image}${text}(${addressOf(target, image !== '')})`;
    })
    .replace(/(<(?:img|source)\s[^>]*?\bsrc(?:set)?=")(?![a-z]+:)([^"\s]+)/g, (_tag, before, target) => before + addressOf(target, true));
}

function rewrite() {
  restore();
  const { repository } = JSON.parse(readFileSync('package.json', 'utf8'));
  if (repository === undefined) return;
  const original = readFileSync(README, 'utf8');
  const published = withAbsoluteLinks(original, repository);
  mkdirSync('.cache', { recursive: true });
  writeFileSync(ORIGINAL, original);
  writeFileSync(README, published);
}

function restore() {
  if (existsSync(ORIGINAL)) renameSync(ORIGINAL, README);
}

if (fileURLToPath(import.meta.url) === realpathSync(process.argv[1] ?? '.')) {
  if (process.argv[2] === '--rewrite') rewrite();
  if (process.argv[2] === '--restore') restore();
}
