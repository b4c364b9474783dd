import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as gemsocket from '../../src/entry/node.js';
import { session } from '../../src/entry/session.js';
import type { Env } from './env.js';
import { platforms } from './facts.js';
import { casesFor, makeEnv } from './run.js';
import { startTestServer, type TestServer } from './server.js';
import { startSessions } from './session-peer.js';
import { withOptions } from './with-options.js';

const library = withOptions(gemsocket, () => ({ session: session() }));

/** What a session does otherwise on purpose; test/session and test/server/sessions.test.ts say what. */
const OTHERWISE: readonly RegExp[] = [
  /^protocols: |subprotocol is chosen anew/, // negotiated inside, and once
  /pings? (in between|of the server)|liveness: .*(goes dark|silent and alive|sends no pings)/, // records, not frames
  /empty close frame|invalid UTF-8|never answers|write waits while the peer takes nothing|when the peer stops reading/, // the server's end here is no raw socket
  /stops for longer than liveness/, // nothing is paused: its pings go on
  /are counted, in UTF-8/, // the round trip is measured from the start
  /ends by RST|after a break, and tells it in order|one loop reads across breaks|full before a break/, // a break ends nothing, and no second connection begins
  /^inbox: .*(MESSAGE_TOO_BIG|size of a text)/, // the sender is told the size, and refuses
];

describe('conformance: Node with a session', () => {
  let server: TestServer;
  let env: Env;

  beforeAll(async () => {
    server = await startTestServer(new Map(), startSessions);
    env = await makeEnv(library, platforms.node, `http://127.0.0.1:${server.port}`);
  });

  afterAll(() => server.close());

  const cases = casesFor(platforms.node).filter(({ name }) => !OTHERWISE.some((pattern) => pattern.test(name)));
  for (const { name, run } of cases) it(name, () => run(env));

  it('leaves out no more than it says', () => {
    for (const pattern of OTHERWISE) expect(casesFor(platforms.node).some(({ name }) => pattern.test(name))).toBe(true);
    expect(cases.length).toBeGreaterThan(200);
  });
});
