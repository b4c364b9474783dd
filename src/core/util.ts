/** 104 bits of chance: unique enough to name a connection in a process or page. It is no secret. */
export function newId(random: () => number): string {
  const part = () => random().toString(36).slice(2, 12).padEnd(10, '0');
  return part() + part();
}

/** `Symbol.asyncDispose`, also where the engine has none yet (Safari): then the name that polyfills agree on. */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

/** A promise with the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A promise that is rejected. One that is not awaited is not an unhandled rejection. */
export function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}

/** A promise to be settled later. A rejection that is not awaited is not an unhandled rejection. */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
