import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CodeBlock {
  readonly file: string;
  /** Of its first line, counted from 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** What stands in `<!-- run: … -->` on the line before it. */
  readonly run: string | undefined;
}

export interface Document {
  readonly file: string;
  readonly text: string;
}

const NOT_OURS = /^(node_modules|build|dist|coverage|test-results|playwright-report|api|\..*)$/;

/** All Markdown files of the repository, without what was installed or built. */
export function documents(): Document[] {
  return filesIn('.')
    .filter((file) => file.endsWith('.md'))
    .map((file) => ({ file, text: readFileSync(file, 'utf8') }));
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.test(entry.name)) return [];
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}

/** The blocks between fences. */
export function codeBlocks({ file, text }: Document): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const fence = /(?:<!-- run: (\S+) -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm;
  for (const match of text.matchAll(fence)) {
    const [, run, language = '', code = ''] = match;
    const line = text.slice(0, match.index + match[0].indexOf('```')).split('\n').length + 1;
    blocks.push({ file, line, language, code, run });
  }
  return blocks;
}

/** The rows of the table that follows a comment, as cells. */
export function tableAfter(comment: string, text: string): string[][] {
  const start = text.indexOf(`<!-- ${comment} -->`);
  if (start < 0) throw new Error(`There is no <!-- ${comment} --> in the document.`);
  const [table = ''] = text.slice(start).split('\n\n');
  const [, , , ...rows] = table.split('\n');
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The words between backticks. */
export function codeSpans(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
}

/** Targets of the links and images in a document that lead to a file beside it or to a heading of its own. */
export function relativeLinks(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');
  const links = /\]\(([^)\s]+)\)|<(?:img|source)\s[^>]*?\bsrc(?:set)?="([^"\s]+)"/g;
  const targets = [...prose.matchAll(links)].map(([, link, image]) => link ?? image ?? '');
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}
