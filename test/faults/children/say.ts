/** Tells the test `{ is: what, ... }`, and waits until it is told. */
export function say(what: string, facts: object = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.({ is: what, ...facts }, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

/** The next message of the test. The channel keeps the process alive only while this waits. */
export function hear(): Promise<unknown> {
  return new Promise((resolve) => process.once('message', resolve));
}
