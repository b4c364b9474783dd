/**
 * The first call of a turn runs with its microtasks, so that a single message is not delayed; the later calls of the same turn run
 * together at its end. A message port signals the end: unlike a timer, it is not throttled in a hidden page.
 */
export function makeEndOfTurn(): (call: () => void) => void {
  const { port1, port2 } = new MessageChannel();
  let waiting: (() => void)[] = [];
  let isInTurn = false;
  port1.onmessage = () => {
    isInTurn = false;
    const calls = waiting;
    waiting = [];
    for (const call of calls) call();
  };
  return (call) => {
    if (isInTurn) {
      waiting.push(call);
      return;
    }
    isInTurn = true;
    port2.postMessage(undefined);
    queueMicrotask(call);
  };
}
