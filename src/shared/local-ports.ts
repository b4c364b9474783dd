import type { PortLike } from './posts.js';

/**
 * Two ports in one place. What one posts the other has at once: in the last turn of a page there is no other. Both
 * sides post at the end of what they do (`Poster`), so neither is called in the middle of something.
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
