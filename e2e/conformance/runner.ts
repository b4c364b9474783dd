import type * as websocketStream from 'gemsocket/websocket-stream';
import type { Gemsocket } from '../../test/conformance/env.js';
import { type PlatformName, platforms } from '../../test/conformance/facts.js';
import { makeEnv, type Result, runSuite } from '../../test/conformance/run.js';
import { withOptions } from '../../test/conformance/with-options.js';

/*
 * Runs the suite in a browser, in one of three homes. It is the script of the page and of both kinds of worker:
 * the page calls it, a worker is sent the job.
 */

export interface Job {
  /** Of dist/: a module, or the script that makes the global `Gemsocket`. */
  readonly entry: string;
  readonly platform: PlatformName;
  /** Left out: that of the entry. */
  readonly transport?: 'websocket-stream.js';
}

export type Home = 'page' | 'worker' | 'sharedWorker';

export interface RunnerPage {
  runIn(home: Home, job: Job): Promise<Result[]>;
}

/** The global scope of a worker, as far as the library of types for pages does not know it. */
interface WorkerScope {
  onconnect?: (event: { ports: readonly MessagePort[] }) => void;
  postMessage(message: unknown): void;
}

const SCRIPT = '/runner.js';

async function run({ entry, platform, transport }: Job): Promise<Result[]> {
  console.error = () => {}; // errors that cases provoke, and look at
  const loaded = (await import(`/dist/${entry}`)) as Gemsocket;
  const gemsocket = 'connect' in loaded ? loaded : (Reflect.get(globalThis, 'Gemsocket') as Gemsocket);
  const library = transport === undefined ? gemsocket : await overStreams(gemsocket, transport);
  return runSuite(await makeEnv(library, platforms[platform], location.origin));
}

async function overStreams(gemsocket: Gemsocket, transport: string): Promise<Gemsocket> {
  const { webSocketStream } = (await import(`/dist/${transport}`)) as typeof websocketStream;
  return withOptions(gemsocket, () => ({ transport: webSocketStream() }));
}

function answer(reply: (results: Result[]) => void): (event: MessageEvent<Job>) => void {
  return ({ data }) => void run(data).then(reply);
}

function runIn(home: Home, job: Job): Promise<Result[]> {
  if (home === 'page') return run(job);
  return new Promise((resolve, reject) => {
    const options = { type: 'module' } as const;
    const worker = home === 'worker' ? new Worker(SCRIPT, options) : new SharedWorker(SCRIPT, options);
    const port = 'port' in worker ? worker.port : worker;
    worker.onerror = ({ message }) => reject(new Error(message));
    port.onmessage = ({ data }: MessageEvent<Result[]>) => resolve(data);
    port.postMessage(job);
  });
}

if ('document' in globalThis) Object.assign(globalThis, { runIn } satisfies RunnerPage);
else {
  const scope = globalThis as unknown as WorkerScope;
  scope.onconnect = ({ ports: [port] }) => {
    if (port !== undefined) port.onmessage = answer((results) => port.postMessage(results));
  };
  globalThis.onmessage = answer((results) => scope.postMessage(results));
}
