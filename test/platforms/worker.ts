import * as gemsocket from 'gemsocket';
import { session } from 'gemsocket/session';
import { type Job, runSuite } from '../conformance/run.js';

/** A Worker that runs the suite inside a request, since it may open sockets and wait only there. */
// biome-ignore lint/style/noDefaultExport: how a Worker names its handlers
export default {
  async fetch(request: Request): Promise<Response> {
    console.error = () => {}; // errors that cases provoke, and look at
    return Response.json(await runSuite(gemsocket as never, session as never, (await request.json()) as Job));
  },
};
