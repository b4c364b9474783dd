import * as gemsocket from '../../src/entry/standard.js';
import { type PlatformName, platforms } from './facts.js';
import { makeEnv, runSuite } from './run.js';

/*
 * The program for runtimes without a test framework: the suite over the standard entry. Its arguments are the
 * origin of the test server and the platform's name; its last line is the results in JSON.
 */
const [origin, platform] = process.argv.slice(2);
if (origin === undefined || platform === undefined) throw new Error('Usage: child <http://127.0.0.1:port> <platform>');
console.error = () => {}; // errors that cases provoke, and look at
const results = await runSuite(await makeEnv(gemsocket, platforms[platform as PlatformName], origin));
// A socket whose server never answers the close frame would keep the process alive: this platform can't drop it.
process.stdout.write(JSON.stringify(results), () => process.exit(0));
