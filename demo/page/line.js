/** A line is a page's own cable to the server. Its counters and faults travel over HTTP, so they are correct during every fault. */

/** A random id that other pages cannot guess. (randomUUID() requires an encrypted page.) */
export function newLine() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The counters of a line, or the text of a refusal; undefined while the demo does not answer. */
export async function askLine(line, query = '', init = undefined) {
  try {
    const answer = await fetch(`/cable?line=${line}${query}`, init);
    return { isOk: answer.ok, content: await (answer.ok ? answer.json() : answer.text()) };
  } catch {
    return undefined;
  }
}
