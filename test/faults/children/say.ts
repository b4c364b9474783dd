/** Sends the test `{ is: what, ... }`, and resolves when it is sent. */
export function say(what: string, facts: object = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.({ is: what, ...facts }, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

/** The next message of the test. The IPC channel keeps the process alive only while this is pending. */
export function hear(): Promise<unknown> {
  return new Promise((resolve) => process.once('message', resolve));
}
