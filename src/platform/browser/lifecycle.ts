import type { Lifecycle } from '../../core/platform.js';

/**
 * The lifecycle of a page, from the window (visibilitychange bubbles up to it) or, in a worker, from its global scope.
 * `pagehide` closes the connection: a page restored from the back/forward cache would have a dead socket (Firefox does not cache a
 * page with an open one, and decides before the event). `pageshow` of a restored page, `online` and becoming visible make the client
 * reconnect at once, or check a connection that looks open.
 */
export const pageLifecycle: Lifecycle = {
  isVisible: () => 'document' in globalThis && document.visibilityState === 'visible',
  watch(listener) {
    const suspended = ({ persisted }: PageTransitionEvent) => listener.suspended(persisted === false);
    const woken = (event: Event) => {
      const isHidden =
        event.target instanceof EventTarget && 'visibilityState' in event.target && event.target.visibilityState !== 'visible';
      if (!isHidden) listener.woken();
    };
    addEventListener('pagehide', suspended);
    const wakers = ['pageshow', 'online', 'visibilitychange'];
    for (const waker of wakers) addEventListener(waker, woken);
    return () => {
      removeEventListener('pagehide', suspended);
      for (const waker of wakers) removeEventListener(waker, woken);
    };
  },
};
