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

/** A function for each kind of post. */
export type PostHandlers<Post extends { readonly is: string }> = {
  readonly [Is in Post['is']]: (post: Post & { readonly is: Is }) => void;
};

export function handlePost<Post extends { readonly is: string }>(handlers: PostHandlers<Post>, post: Post): void {
  (handlers[post.is as Post['is']] as (post: Post) => void)(post);
}

/**
 * Two connected ports in one page. A post is received synchronously, because no turn follows the last one of a page. Both sides post
 * at the end of their work (`Poster`), so neither is called while it works.
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

/** Each side holds a lock and waits for the other side's. The browser releases a lock when its holder ends, whatever the reason. */
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
