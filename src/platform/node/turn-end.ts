/** Calls back at the end of the present turn of the event loop: once for all sockets of a server. */
export class TurnEnd {
  #calls: (() => void)[] = [];

  readonly add = (call: () => void): void => {
    if (this.#calls.push(call) === 1) process.nextTick(this.#run);
  };

  readonly #run = (): void => {
    const calls = this.#calls;
    this.#calls = [];
    let index = 0;
    try {
      for (; index < calls.length; index++) calls[index]?.();
    } finally {
      // One of them has thrown: the others are still called.
      for (index += 1; index < calls.length; index++) this.add(calls[index] as () => void);
    }
  };
}
