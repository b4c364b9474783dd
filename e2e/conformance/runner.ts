import type { Gemsocket } from '../../test/conformance/env.js';
import { type Job, type Result, runSuite } from '../../test/conformance/run.js';
import type { MakeSession } from '../../test/conformance/with-session.js';

/*
 * Runs the suite in a browser, in one of three homes. It is the script of the page and of both kinds of worker:
 * the page calls it, a worker is sent the job.
 */

export type Home = 'page' | 'worker' | 'sharedWorker';

export interface BrowserJob extends Job {
  /** The script that makes the global `Gemsocket`, in place of the modules. */
  readonly isScriptTag: boolean;
}

export interface RunnerPage {
  /** Posts the results to the server, once they are there: a driver may lose the answer of a call that takes its time. */
  report(home: Home, job: BrowserJob): void;
}

type Library = Gemsocket & { readonly session: MakeSession };

/** The global scope of a worker, as far as the library of types for pages does not know it. */
interface WorkerScope {
  onconnect?: (event: { ports: readonly MessagePort[] }) => void;
  postMessage(message: unknown): void;
}

const SCRIPT = '/runner.js';

async function load({ isScriptTag }: BrowserJob): Promise<Library> {
  if (!isScriptTag) return { ...(await import('/dist/browser.js' as string)), ...(await import('/dist/session.js' as string)) };
  await import('/dist/gemsocket.iife.js' as string);
  return Reflect.get(globalThis, 'Gemsocket') as Library;
}

async function run(job: BrowserJob): Promise<Result[]> {
  console.error = () => {}; // errors that cases provoke, and look at
  const library = await load(job);
  return runSuite(library, library.session, job);
}

function answer(reply: (results: Result[]) => void): (event: MessageEvent<BrowserJob>) => void {
  return ({ data }) => void run(data).then(reply);
}

function runIn(home: Home, job: BrowserJob): Promise<Result[]> {
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

function report(home: Home, job: BrowserJob): void {
  void runIn(home, job)
    .catch((error: unknown) => `The suite did not run: ${error}`)
    .then((body) => fetch('/report', { method: 'POST', body: JSON.stringify(body) }));
}

if ('document' in globalThis) Object.assign(globalThis, { report } satisfies RunnerPage);
else {
  const scope = globalThis as unknown as WorkerScope;
  scope.onconnect = ({ ports: [port] }) => {
    if (port !== undefined) port.onmessage = answer((results) => port.postMessage(results));
  };
  globalThis.onmessage = answer((results) => scope.postMessage(results));
}
