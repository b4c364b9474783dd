import type { Lifecycle } from '../../core/platform.js';

/**
 * The life of a page, from the window (visibilitychange bubbles up to it) or, in a worker, from its global scope.
 * `pagehide` closes: a page that is kept in the page cache would come back with a dead socket (Firefox keeps none with an
 * open one, and has decided before). `pageshow` of a page that was kept, `online` and becoming visible are moments to come back, or to doubt the link.
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
