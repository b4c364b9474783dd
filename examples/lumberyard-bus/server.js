// The server for main.ts: a wss echo with a self-signed certificate. server.js [port] [certificate file]

import { writeFileSync } from 'node:fs';
import { listen } from 'gemsocket/server';
import { generate } from 'selfsigned';

const [port = '8443', certificateFile = 'cert.pem'] = process.argv.slice(2);

const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
  extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
});
writeFileSync(certificateFile, cert);

const server = await listen('localhost', Number(port), { tls: { key, cert } });
server.on('connection', (client) => {
  client.on('message', (message) => {
    if (typeof message === 'string') client.sendMessage(message);
    else client.sendMessageBinary(message);
  });
});
console.log(`listening on wss://localhost:${server.port}, certificate in ${certificateFile}`);
