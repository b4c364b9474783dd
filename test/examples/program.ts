import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { onTestFinished } from 'vitest';
import { limit } from '../support/pace.js';

/** The time limit for output that a test waits for. */
const PATIENCE_MS = limit(30_000);

/** A program under test: a test can wait for its output, and it ends with the test. */
export class Program {
  output = '';
  readonly #child: ChildProcess;
  readonly #name: string;
  #watchers: (() => void)[] = [];

  constructor(command: string, args: readonly string[], env: Record<string, string> = {}, cwd: string = process.cwd()) {
    this.#name = [command, ...args].join(' ');
    this.#child = spawn(command, args, { env: { ...process.env, NO_COLOR: '1', ...env }, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#look();
      });
    }
    this.#child.on('error', (error) => {
      this.output += `${error.message}\n`;
    });
    this.#child.on('close', () => this.#look());
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined;
  }

  /** Resolves with the match as soon as it is printed. */
  printed(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${this.#name} ${why} ${pattern}. It printed:\n${this.output}`));
      const timer = setTimeout(() => fail(`did not print within ${PATIENCE_MS} ms:`), PATIENCE_MS);
      const look = () => {
        const match = this.output.match(pattern);
        if (match === null && !this.hasEnded) return;
        clearTimeout(timer);
        this.#watchers = this.#watchers.filter((other) => other !== look);
        if (match !== null) resolve(match);
        else fail('ended without printing');
      };
      this.#watchers.push(look);
      look();
    });
  }

  /** Resolves with the exit code when the program has ended by itself. */
  async ended(): Promise<number | null> {
    if (!this.hasEnded) await once(this.#child, 'close');
    return this.#child.exitCode;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.hasEnded) return;
    const closed = once(this.#child, 'close');
    this.#child.kill(signal);
    await closed;
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** Starts a program that is killed when the present test ends, whatever its result. */
export function run(command: string, args: readonly string[], env?: Record<string, string>, cwd?: string): Program {
  const program = new Program(command, args, env, cwd);
  onTestFinished(() => program.stop('SIGKILL'));
  return program;
}

/** The same for a JavaScript file, with this Node. */
export function runNode(file: string, args: readonly string[] = [], env?: Record<string, string>, cwd?: string): Program {
  return run(process.execPath, [file, ...args], env, cwd);
}

/** A free port of the loopback interface. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
