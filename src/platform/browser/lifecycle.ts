import type { Lifecycle } from '../../core/platform.js';

/**
 * The lifecycle of a page, from the window (visibilitychange bubbles up to it) or, in a worker, from its global scope.
 * `pagehide` closes the connection: a page restored from the back/forward cache would have a dead socket (Firefox does not cache a
 * page with an open one, and decides before the event). `pageshow` of a restored page, `online` and becoming visible make the client
 * reconnect at once, or check a connection that looks open.
 */
export const pageLifecycle: Lifecycle = {
  isVisible: () => globalThis.document?.visibilityState === 'visible',
  watch(listener) {
    const watching = new AbortController();
    const { signal } = watching;
    addEventListener('pagehide', ({ persisted }) => listener.suspended(!persisted), { signal });
    for (const waker of ['pageshow', 'online', 'visibilitychange']) {
      addEventListener(
        waker,
        ({ target }) => {
          const { visibilityState = 'visible' } = target as Partial<Document>;
          if (visibilityState === 'visible') listener.woken();
        },
        { signal },
      );
    }
    return () => watching.abort();
  },
};
