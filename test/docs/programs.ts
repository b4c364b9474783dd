import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freePort, type Program, runNode } from '../examples/program.js';
import { programOf } from '../support/document-programs.js';
import { until } from '../support/until.js';
import { codeBlocks } from './markdown.js';

/** Writes a program below the package, so that 'gemsocket' is the built package itself, and returns its path. It is gone with the test. */
export async function writeProgram(name: string, code: string): Promise<string> {
  await mkdir('build', { recursive: true });
  const directory = await mkdtemp(join('build', 'program-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, name);
  await writeFile(file, code);
  return file;
}

/** Runs the one program of a document that has this text, on a port of its own, and waits until it listens. */
export async function runProgramWith(file: string, text: string): Promise<{ port: number; program: Program }> {
  const port = await freePort();
  const program = await run('server.mjs', file, text, port);
  await until(() => program.hasEnded || accepts(port), 'the program listens');
  return { port, program };
}

/** Runs the one program of a document that has this text as a client of the server at this port. */
export function runClientWith(file: string, text: string, port: number): Promise<Program> {
  return run('client.mjs', file, text, port);
}

async function run(name: string, file: string, text: string, port: number): Promise<Program> {
  const [block, ...others] = codeBlocks({ file, text: readFileSync(file, 'utf8') }).filter(({ code }) => code.includes(text));
  if (block === undefined || others.length > 0) throw new Error(`There is not one program with ${text} in ${file}.`);
  return runNode(await writeProgram(name, programOf(block, port)));
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, 'localhost');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    onTestFinished(() => void socket.destroy());
  });
}
