import { parentPort, workerData } from 'node:worker_threads';
import { listen } from 'gemsocket/server';
import { echo } from './echo-service.js';

/** The race's server: returns every message. It keeps nothing, so it serves pages of every origin and name. */
const server = await listen(workerData.host, 0, { origins: '*', hosts: '*', maxClients: 60, maxMessageBytes: 64 * 1024 });
server.on('connection', (client) => {
  client.on('error', () => {}); // a peer's error ends only its own connection
  echo(client);
});
parentPort.postMessage(server.port);
