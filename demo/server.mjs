/**
 * The demo: `npm start`, then http://localhost:8080. PORT and HOST set another address; PORT=0 selects any free port, and
 * HOST=0.0.0.0 admits phones on the same network.
 */
import { createServer } from 'node:http';
import { CableService } from './server/cable-service.js';
import { RaceService } from './server/race-service.js';
import { Services } from './server/services.js';
import { createSite } from './server/site.js';
import { routeUpgrades } from './server/upgrades.js';

const host = process.env.HOST ?? '127.0.0.1';
const port = Number(process.env.PORT ?? 8080);

const cables = new CableService();
const races = new RaceService(host);
const httpServer = createServer(createSite(() => services, cables, races));
const services = new Services(httpServer, (line) => cables.report(line));
routeUpgrades(httpServer, services, cables);

httpServer.on('error', (error) => {
  console.error(error.code === 'EADDRINUSE' ? `Port ${port} is in use. Choose another: PORT=8081 npm start` : error.message);
  process.exit(1);
});
await cables.start();
httpServer.listen(port, host, () => {
  services.start();
  console.log(`The gemsocket demo is at http://${host === '127.0.0.1' ? 'localhost' : host}:${httpServer.address().port}`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await Promise.all([services.close(), cables.close(), races.close()]);
    httpServer.closeAllConnections();
    httpServer.close();
  });
}
