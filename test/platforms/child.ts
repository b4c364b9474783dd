import * as gemsocket from 'gemsocket';
import { session } from 'gemsocket/session';
import { type Job, runSuite } from '../conformance/run.js';

/*
 * The program for runtimes with a command line: the suite over the built package, as the runtime itself finds it. Its
 * argument is the job; its last line is the results in JSON.
 */
const job = JSON.parse(process.argv[2] ?? '') as Job;
process.stdin.on('end', () => process.exit(1)).resume(); // who started this is gone
console.error = () => {}; // errors that cases provoke, and look at
const results = await runSuite(gemsocket as never, session as never, job);
// A socket whose server never answers the close frame would keep the process alive: this platform can't drop it.
process.stdout.write(JSON.stringify(results), () => process.exit(0));
