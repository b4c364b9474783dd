import { afterAll, beforeAll, describe, it } from 'vitest';
import * as gemsocket from '../../src/entry/node.js';
import { pace } from '../support/pace.js';
import type { Env } from './env.js';
import { platforms } from './facts.js';
import { casesFor, makeEnv } from './run.js';
import { startTestServer, type TestServer } from './server.js';

describe('conformance: Node with ws', () => {
  let server: TestServer;
  let env: Env;

  beforeAll(async () => {
    server = await startTestServer();
    env = await makeEnv(gemsocket, platforms.node, `http://127.0.0.1:${server.port}`, pace());
  });

  afterAll(() => server.close());

  for (const { name, run } of casesFor(platforms.node)) it(name, () => run(env));
});
