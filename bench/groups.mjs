/** The groups in the order of the document. */
export const groupNames = ['echo', 'broadcast', 'memory', 'handshakes', 'streams', 'browser', 'latency', 'scale', 'bus'];

/** @returns {Promise<import('./harness.mjs').Group>} */
export async function loadGroup(name) {
  if (!groupNames.includes(name)) throw new Error(`There is no group "${name}". The groups are ${groupNames.join(', ')}.`);
  return import(`./groups/${name}.mjs`);
}
