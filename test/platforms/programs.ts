import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, '.cache/platforms');

export const CHILD = join(FOLDER, 'child.mjs');
export const WORKER_CONFIG = join(FOLDER, 'worker.capnp');

/** A network that reaches this machine, and a port that the system chooses. */
const CONFIG = `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "suite", worker = .suite),
    (name = "internet", network = (allow = ["private", "local"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "suite")],
);

const suite :Workerd.Worker = (
  modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
  compatibilityDate = "2026-11-01",
);
`;

/** Writes the programs that the runtimes run. Returns the files that the Worker's is made of, from the root. */
export async function makePrograms(): Promise<string[]> {
  const options = {
    absWorkingDir: ROOT,
    outdir: FOLDER,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    target: 'es2022',
  } as const;
  // Each runtime finds the package for itself, by the conditions that it knows; for a Worker a bundler does, as its tools have it.
  await build({ ...options, entryPoints: ['test/platforms/child.ts'], external: ['gemsocket'] });
  const { metafile } = await build({
    ...options,
    entryPoints: ['test/platforms/worker.ts'],
    conditions: ['workerd', 'worker'],
    metafile: true,
    logLevel: 'error',
  });
  await mkdir(FOLDER, { recursive: true });
  await writeFile(WORKER_CONFIG, CONFIG);
  return Object.keys(metafile.inputs);
}
