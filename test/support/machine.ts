import { accepted, next as nextOfClient } from '../../src/core/machine.js';
import type { MachineEvent, Policy, State } from '../../src/core/state.js';

/** The events of a client, and that of a server: the peer has opened a transport. */
export type ConnectionEvent = MachineEvent | { readonly is: 'accepted' };

/** The next state of a client's connection or of a server's. */
export function next(state: State, event: ConnectionEvent, policy: Policy, chance: number): State {
  return event.is === 'accepted' ? accepted(state) : nextOfClient(state, event, policy, chance);
}
