/**
 * The first call of a turn comes with its microtasks, so that a lone message is not delayed; those that follow in the
 * same turn come together at its end. A message port tells the end: unlike a timer, it is not held back in a hidden page.
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
