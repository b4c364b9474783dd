import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, connect as dial } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { until } from './until.js';

/** Another process with all its output. */
export interface Program extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly output: string;
  /** How it ended: its exit code, or the name of the signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Kills it. */
  kill(): Promise<void>;
}

export function start(command: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Program {
  return watch(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } }));
}

function watch(child: ChildProcess): Program {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('error', (error) => {
      output += String(error);
      resolve(127);
    });
    child.once('close', (code, signal) => resolve(signal ?? code ?? -1));
  });
  const killNow = () => child.kill('SIGKILL');
  process.once('exit', killNow);
  void ended.then(() => process.off('exit', killNow));
  const kill = async () => {
    killNow();
    await ended;
  };
  return {
    process: child,
    get output() {
      return output;
    },
    ended,
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** The same, once it accepts connections on the port. */
export async function startListening(
  port: number,
  command: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const program = start(command, args, env);
  const isRunning = () => program.process.exitCode === null && program.process.signalCode === null;
  try {
    await until(async () => !isRunning() || (await accepts(port)), `${command} listens on port ${port}`);
    if (!isRunning()) throw new Error(`${command} ended instead of listening`);
  } catch (cause) {
    await program.kill();
    throw new Error(`${command} did not start. It said:\n${program.output}`, { cause });
  }
  return program;
}

/** A TypeScript file of the tests in its own process, with the library of this tree and an IPC channel. */
export async function startScript(file: string, args: readonly (string | number)[] = []): Promise<Script> {
  const child = spawn(process.execPath, ['--enable-source-maps', '--expose-gc', await bundle(file), ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const messages: unknown[] = [];
  child.on('message', (message) => messages.push(message));
  const program = watch(child);
  return Object.assign(program, {
    messages,
    async said(what: string, timeoutMs = 60_000): Promise<unknown> {
      const isIt = (message: unknown) => (message as { is?: unknown }).is === what;
      const isOver = () => child.exitCode !== null || child.signalCode !== null;
      await until(() => messages.some(isIt) || isOver(), `${file} says ${what}`, timeoutMs);
      const message = messages.find(isIt);
      if (message === undefined) throw new Error(`${file} ended without saying ${what}. It printed:\n${program.output}`);
      return message;
    },
  });
}

export interface Script extends Program {
  /** All messages that it has sent. */
  readonly messages: readonly unknown[];
  /** Waits for the message `{ is: what }`; fails when the script ends without it. */
  said(what: string, timeoutMs?: number): Promise<unknown>;
}

/** Bundles a file of this tree, without its packages, into the cache, and returns the path of the result. */
export async function bundle(file: string, label = ''): Promise<string> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const name = file.replaceAll(/[^a-z0-9]+/gi, '-');
  const outfile = join(root, 'node_modules/.cache/gemsocket-tests', `${name}${label}.${process.pid}.mjs`);
  const { errors } = await build({
    entryPoints: [join(root, file)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    sourcemap: 'inline',
    logLevel: 'silent',
  });
  if (errors.length > 0) throw new Error(errors.map((error) => error.text).join('\n'));
  return outfile;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
