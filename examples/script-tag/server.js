// Serves the page and the script, and echoes messages: node server.js [port], then open http://localhost:8091

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { attach } from 'gemsocket/server';

const files = new Map([
  ['/', { type: 'text/html', url: new URL('index.html', import.meta.url) }],
  ['/gemsocket.iife.js', { type: 'text/javascript', url: new URL('../../dist/gemsocket.iife.js', import.meta.url) }],
]);

const httpServer = createServer(async (request, response) => {
  const file = files.get(request.url ?? '');
  if (file === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': file.type }).end(await readFile(file.url));
});

attach(httpServer).on('connection', (client) => {
  client.on('message', (message) => {
    if (typeof message === 'string') client.sendMessage(message);
    else client.sendMessageBinary(message);
  });
});

httpServer.listen(Number(process.argv[2] ?? 8091), 'localhost', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (httpServer.address());
  console.log(`listening on http://localhost:${address.port}`);
});
