/** A promise, and what settles it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A promise to be settled later. Nobody need watch it: a rejection that no one awaits is no crash. */
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

/** A promise that is rejected already, and no crash where no one awaits it. */
export function rejected(error: unknown): Promise<never> {
  const { promise, reject } = deferred<never>();
  reject(error);
  return promise;
}
