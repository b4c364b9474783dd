/** The part of a MessagePort that is used. */
export interface PortLike {
  postMessage(posts: unknown): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  close(): void;
}

/** Posts that are made in one turn travel together: with its microtasks, or at once by `flush`. */
export class Poster<Post> {
  readonly #port: PortLike;
  #posts: Post[] = [];

  constructor(port: PortLike) {
    this.#port = port;
  }

  /** The newest post that has not left. */
  get last(): Post | undefined {
    return this.#posts.at(-1);
  }

  post(post: Post): void {
    if (this.#posts.push(post) === 1) queueMicrotask(() => this.flush());
  }

  flush(): void {
    if (this.#posts.length === 0) return;
    const posts = this.#posts;
    this.#posts = [];
    this.#port.postMessage(posts);
  }

  /** The posts leave, and nothing more is received. The port stays open: closing it might overtake the posts. */
  end(): void {
    this.flush();
    this.#port.onmessage = null;
  }
}

/**
 * Two connected ports in one place. A post is received synchronously, because the last turn of a page has no next one. Both sides
 * post at the end of their work (`Poster`), so neither is called in the middle of its own.
 */
export function localPorts(): readonly [PortLike, PortLike] {
  const one = new LocalPort();
  const other = new LocalPort();
  one.other = other;
  other.other = one;
  return [one, other];
}

class LocalPort implements PortLike {
  onmessage: PortLike['onmessage'] = null;
  other: LocalPort | undefined;

  postMessage(posts: unknown): void {
    this.other?.onmessage?.({ data: posts });
  }

  close(): void {
    this.other = undefined;
  }
}

/** How each side detects that the other has ended, for whatever reason: the browser releases a lock when its holder ends. */
export interface Locks {
  /** Holds the lock until the returned function is called; `held` is called once the lock is granted. */
  hold(name: string, held: () => void): () => void;
  /** Calls once when the lock is free, unless the returned function was called before. */
  whenFree(name: string, call: () => void): () => void;
}

/** Web Locks work across the tabs and workers of an origin, in secure contexts only. */
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
      request.catch(() => {}); // the page is being unloaded
      return release;
    },
    whenFree(name, call) {
      const controller = new AbortController();
      manager.request(name, { signal: controller.signal }, () => call()).catch(() => {}); // aborted
      return () => controller.abort();
    },
  };
}
