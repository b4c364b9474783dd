import { constants } from 'node:os';
import { invalid } from '../../core/option-checks.js';
import type { LifecycleListener } from '../../core/platform.js';

/** The one `exit` listener of a process, which holds the set of its watchers. */
interface ExitListener {
  (): void;
  watchers?: Set<LifecycleListener>;
}

/** Of this copy of the library. Two copies in one process have a listener each. */
const mark = Symbol('gemsocket exit listener');

/**
 * Calls the watcher when the process exits. All clients share one listener, which is found in the process's own list of
 * listeners: this module has no state, and a process without clients has no listener.
 */
export function watchProcess(watcher: LifecycleListener): () => void {
  const watchers = watchersOf() ?? install();
  watchers.add(watcher);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) uninstall();
  };
}

/** The present watchers. */
function processWatchers(): ReadonlySet<LifecycleListener> {
  return watchersOf() ?? new Set();
}

function installed(): ExitListener | undefined {
  return process.listeners('exit').find((listener) => mark in listener) as ExitListener | undefined;
}

function watchersOf(): Set<LifecycleListener> | undefined {
  return installed()?.watchers;
}

function install(): Set<LifecycleListener> {
  const watchers = new Set<LifecycleListener>();
  const listener: ExitListener = () => {
    for (const watcher of watchers) watcher.exiting();
  };
  listener.watchers = watchers;
  process.on('exit', Object.assign(listener, { [mark]: true }));
  return watchers;
}

function uninstall(): void {
  const listener = installed();
  if (listener !== undefined) process.off('exit', listener);
}

/**
 * On SIGINT and SIGTERM every open client sends 1001 before the signal ends the process. No handler is installed unless the
 * application calls this function.
 *
 * @returns a function that removes the handlers.
 * @throws {WebsocketError} `INVALID_OPTION` for a signal that this system does not have, or that no process can handle.
 */
export function closeOnSignals(signals: readonly string[] = ['SIGINT', 'SIGTERM']): () => void {
  checkSignals(signals);
  const offs = signals.map((signal) => onSignal(signal as NodeJS.Signals));
  return () => {
    for (const off of offs) off();
  };
}

/** Node accepts a listener for any name, also for one that it never emits. */
function checkSignals(signals: readonly string[]): void {
  const canHandle = (name: unknown) =>
    typeof name === 'string' && Object.hasOwn(constants.signals, name) && name !== 'SIGKILL' && name !== 'SIGSTOP';
  if (!Array.isArray(signals) || !signals.every(canHandle)) {
    throw invalid('signals', signals);
  }
}

function onSignal(signal: NodeJS.Signals): () => void {
  const handler = () => {
    for (const watcher of processWatchers()) watcher.exiting();
    process.off(signal, handler);
    // One turn later, when the close frames of TLS connections are encrypted and written. Then the signal has its default effect.
    setImmediate(() => {
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  };
  process.on(signal, handler);
  return () => process.off(signal, handler);
}
