/** How each side learns that the other is gone, whatever happened to it: a lock is free when its holder is no more. */
export interface Locks {
  /** Holds a lock of this name until the returned function is called, and says when it does. */
  hold(name: string, held: () => void): () => void;
  /** Calls once when nobody holds the lock, unless the returned function was called before. */
  whenFree(name: string, call: () => void): () => void;
}

/** Web Locks: they work across tabs and workers of an origin, and only on secure ones. */
export function webLocks(manager: LockManager): Locks {
  return {
    hold(name, held) {
      let release!: () => void;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const request = manager.request(name, () => {
        held();
        return released;
      });
      request.catch(() => {}); // a page that is being put away
      return release;
    },
    whenFree(name, call) {
      const controller = new AbortController();
      manager.request(name, { signal: controller.signal }, () => call()).catch(() => {}); // aborted
      return () => controller.abort();
    },
  };
}
