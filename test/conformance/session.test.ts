import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as gemsocket from '../../src/entry/node.js';
import { session } from '../../src/entry/session.js';
import { pace } from '../support/pace.js';
import type { Env } from './env.js';
import { factsOf, platforms } from './facts.js';
import { casesFor, casesOf, makeEnv } from './run.js';
import { startTestServer, type TestServer } from './server.js';
import { startSessions } from './session-peer.js';
import { OTHERWISE, withSession } from './with-session.js';

describe('conformance: Node with a session', () => {
  let server: TestServer;
  let env: Env;

  beforeAll(async () => {
    server = await startTestServer(new Map(), startSessions);
    env = await makeEnv(withSession(gemsocket, session), factsOf('node', 'session'), `http://127.0.0.1:${server.port}`, pace());
  });

  afterAll(() => server.close());

  const cases = casesOf('node', 'session');
  for (const { name, run } of cases) it(name, () => run(env));

  it('leaves out no more than it says', () => {
    for (const pattern of OTHERWISE) expect(casesFor(platforms.node).some(({ name }) => pattern.test(name))).toBe(true);
    expect(cases.length).toBeGreaterThan(200);
  });
});
