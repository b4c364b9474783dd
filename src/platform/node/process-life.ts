import type { LifecycleListener } from '../../core/platform.js';

/** What stands for all watchers of a process: one `exit` listener, which carries the set. */
interface ExitListener {
  (): void;
  watchers?: Set<LifecycleListener>;
}

/** Private to this copy of the library, so that two copies in one process each find their own. */
const mark = Symbol('gemsocket exit listener');

/**
 * Tells the watcher when the process exits. A thousand clients share one listener, and the process's own list of
 * listeners is where it is kept: this module has no state, and a process without clients has no listener.
 */
export function watchProcess(watcher: LifecycleListener): () => void {
  const watchers = watchersOf() ?? install();
  watchers.add(watcher);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) uninstall();
  };
}

/** All who watch the process now. */
export function processWatchers(): ReadonlySet<LifecycleListener> {
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
