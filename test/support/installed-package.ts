import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder outside of the repository whose node_modules contains only the packed gemsocket. */
    installation: string;
  }
}

/** Packs the package once and installs the tarball as a user would; the projects of the tests are subfolders. */
export default function setup(project: TestProject): () => void {
  const installation = mkdtempSync(join(tmpdir(), 'gemsocket-installed-'));
  execFileSync('node', ['scripts/pack.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] });
  writeFiles(installation, { 'package.json': '{ "name": "stranger", "private": true }' });
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  execFileSync('npm', ['install', ...flags, resolve('.cache/gemsocket.tgz')], {
    cwd: installation,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  project.provide('installation', installation);
  return () => rmSync(installation, { recursive: true, force: true });
}

/** A fresh project that has gemsocket installed. */
export function makeProject(installation: string, files: Record<string, string>): string {
  const folder = mkdtempSync(join(installation, 'project-'));
  writeFiles(folder, { 'package.json': '{ "name": "project", "private": true, "type": "module" }', ...files });
  return folder;
}

function writeFiles(folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
