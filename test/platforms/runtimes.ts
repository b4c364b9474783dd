import type { PlatformName } from '../conformance/facts.js';

/** A JavaScript runtime that npm can install, whatever runtime the machine has. */
export interface Runtime {
  readonly platform: PlatformName;
  readonly title: string;
  readonly version: string;
  /** Its folder under node_modules, and what npm installs there if that has another name. */
  readonly folder: string;
  readonly packageName?: string;
  /** In its folder. */
  readonly binary: string;
  /** Before the program; left out for a runtime that has no command line, and serves a Worker. */
  readonly args?: readonly string[];
}

const { arch, platform: system } = process;
const isWindows = system === 'win32';
const exe = isWindows ? '.exe' : '';
const windowsOr = (name: string) => (isWindows ? name : system);

/** Among the conditions of package.json it leads to the entry for runtimes with a global WebSocket. */
const GLOBAL_WEBSOCKET = ['--conditions=worker'];

const NODES = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' } as const;

function nodeBinary(major: keyof typeof NODES) {
  const packageName = `node-${windowsOr('win')}-${arch}`;
  return { version: NODES[major], folder: `node${major}`, packageName, binary: `bin/node${exe}` };
}

function node(major: keyof typeof NODES): Runtime {
  return { platform: `node${major}`, title: `Node ${major} with ws`, args: [], ...nodeBinary(major) };
}

function nodeGlobal(major: 22 | 24 | 26): Runtime {
  return { platform: `node${major}Global`, title: `the global WebSocket of Node ${major}`, args: GLOBAL_WEBSOCKET, ...nodeBinary(major) };
}

const bun: Runtime = {
  platform: 'bun',
  title: 'Bun',
  version: '1.4.5',
  folder: `@oven/bun-${windowsOr('windows')}-${arch === 'arm64' ? 'aarch64' : arch}`,
  binary: `bin/bun${exe}`,
  args: [],
};

const deno: Runtime = {
  platform: 'deno',
  title: 'Deno',
  version: '2.9.6',
  folder: `@deno/${system}-${arch}${system === 'linux' ? '-glibc' : ''}`,
  binary: `deno${exe}`,
  args: ['run', '--allow-all', '--no-remote'],
};

const workerd: Runtime = {
  platform: 'workerd',
  title: 'a Worker in workerd',
  version: '1.20261117.1',
  folder: `@cloudflare/workerd-${windowsOr('windows')}-${arch === 'x64' ? '64' : arch}`,
  binary: `bin/workerd${exe}`,
};

/** Node 20 has no global WebSocket. */
export const runtimes: readonly Runtime[] = [
  ...([20, 22, 24, 26] as const).map(node),
  ...([22, 24, 26] as const).map(nodeGlobal),
  bun,
  deno,
  workerd,
];
