/**
 * Calls to the sinks, made in order in a microtask: never within a call of a node, so a sink may call its node, and before the promise
 * of the call that caused them resolves.
 */
export class Pushes {
  #waiting: (() => void)[] = [];

  add(push: () => void): void {
    this.#waiting.push(push);
    if (this.#waiting.length === 1) queueMicrotask(() => this.#run());
  }

  #run(): void {
    const pushes = this.#waiting;
    this.#waiting = [];
    for (const push of pushes) push();
  }
}
