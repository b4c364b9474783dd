import type { session } from '../../src/entry/session.js';
import type { Case } from './case.js';
import type { Gemsocket } from './env.js';
import { withOptions } from './with-options.js';

export type MakeSession = typeof session;

/** The same names, every client of which has a session. */
export function withSession(gemsocket: Gemsocket, makeSession: MakeSession): Gemsocket {
  return withOptions(gemsocket, () => ({ session: makeSession() }));
}

/** What a session does otherwise on purpose; test/session and test/server/sessions.test.ts say what. */
export const OTHERWISE: readonly RegExp[] = [
  /^protocols: |subprotocol is chosen anew/, // negotiated inside, and once
  /pings? (in between|of the server)|liveness: .*(goes dark|silent and alive|sends no pings)/, // records, not frames
  /empty close frame|invalid UTF-8|never answers|write waits while the peer takes nothing|when the peer stops reading/, // the server's end here is no raw socket
  /stops for longer than liveness/, // nothing is paused: its pings go on
  /are counted, in UTF-8/, // the round trip is measured from the start
  /ends by RST|after a break, and tells it in order|one loop reads across breaks|full before a break/, // a break ends nothing, and no second connection begins
  /while reconnecting ends the attempts/, // close() is said over the next wire, until its deadline
  /^inbox: .*(MESSAGE_TOO_BIG|size of a text)/, // the sender is told the size, and refuses
];

export function isForSessions({ name }: Case): boolean {
  return !OTHERWISE.some((pattern) => pattern.test(name));
}
