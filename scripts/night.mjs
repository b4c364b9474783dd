/** `npm run night`: the tests with random inputs and the soak at full length; `npm test` runs them for seconds. */
import { runSteps } from './steps.mjs';

const vitest = (name, env, ...args) => ({ name, command: ['npx', 'vitest', 'run', ...args], env });

const passed = await runSteps([
  vitest('100,000 schedules', { GEM_SCHEDULES: '100000', GEM_TABS: '10000' }, '--project', 'session', '--project', 'backplane', 'property'),
  vitest('100,000 schedules of topics', { GEM_TOPICS: '100000' }, '--project', 'topics', 'property'),
  vitest('10,000,000 batches and knocks', { GEM_FUZZ: '10000000' }, '--project', 'session', 'fuzz'),
  vitest('200,000 strangers', { GEM_STRANGERS: '200000' }, '--project', 'server', 'fuzz'),
  vitest('100,000 connections', { GEMSOCKET_CYCLES: '100000' }, '--project', 'faults', 'cycles'),
  {
    name: '1 GiB to and from a page',
    command: ['npx', 'playwright', 'test', 'session-memory'],
    env: { GEMSOCKET_STREAM_MIB: '1024' },
  },
]);
if (!passed) process.exitCode = 1;
