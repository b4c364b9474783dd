import { TICK_MS } from '/shared/arena.js';
import { reducedMotion } from './dom.js';

/** Reports whether any part of an element is in view, at once and at every change. */
export function watchSight(element, report) {
  new IntersectionObserver((entries) => report(entries.at(-1).isIntersecting)).observe(element);
}

/**
 * Calls `draw` with the time in every frame in which the element is in view. With reduced motion, calls it once per server
 * tick: new data does not arrive more often.
 */
export function drawInSight(element, draw) {
  let isSeen = false;
  let request;
  let drawnAt = Number.NEGATIVE_INFINITY;
  const next = () => {
    request = isSeen ? requestAnimationFrame(frame) : undefined;
  };
  const frame = (now) => {
    if (!reducedMotion.matches || now - drawnAt >= TICK_MS * 0.9) {
      drawnAt = now;
      draw(now);
    }
    next();
  };
  watchSight(element, (isInView) => {
    isSeen = isInView;
    if (request === undefined) next();
  });
}
