// Express and WebSockets on one port: node server.js [port], then open http://localhost:8090 in two windows

import { fileURLToPath } from 'node:url';
import express from 'express';
import { attach } from 'gemsocket/server';

const app = express();
app.get('/players', (_request, response) => {
  response.json({ players: live.clients.length });
});
app.get('/gemsocket.iife.js', (_request, response) => {
  response.sendFile(fileURLToPath(new URL('../../dist/gemsocket.iife.js', import.meta.url)));
});
app.use(express.static(fileURLToPath(new URL('public', import.meta.url))));

const httpServer = app.listen(Number(process.argv[2] ?? 8090), 'localhost', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (httpServer.address());
  console.log(`listening on http://localhost:${address.port}`);
});

// Express keeps every request except the upgrades of this path. Only pages of this host and port may connect.
const live = attach(httpServer, { path: '/live' });
live.on('connection', (client) => {
  client.on('message', (message) => live.broadcast(message));
});
