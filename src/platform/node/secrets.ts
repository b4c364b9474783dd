import { randomBytes, timingSafeEqual } from 'node:crypto';

/** What the sessions of a server are guarded with: OpenSSL's generator, and a comparison whose time tells nothing. */
export const nodeSecrets = {
  randomBytes: (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(length)),
  isEqual: (one: Uint8Array, other: Uint8Array): boolean => one.length === other.length && timingSafeEqual(one, other),
} as const;
