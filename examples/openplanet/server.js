// The server of the Openplanet plugin's page, call for call: node server.js [port], and Ctrl+C to stop

import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from 'gemsocket/server';

const port = Number(process.argv[2] ?? 5432);
let isRunning = true;
process.once('SIGINT', () => {
  isRunning = false;
});

async function main() {
  const websocket = await listen('localhost', port).catch((error) => {
    console.log('unable to start websocket server:', error.message);
  });
  if (websocket === undefined) return;
  console.log(`listening on port ${websocket.port}`);

  while (isRunning) {
    for (const wsc of websocket.clients) {
      // A closed client stays in the list until its last message and its close code have been read.
      if (wsc.isConnectionOpen()) wsc.sendMessage('test');
      const data = wsc.getMessage();
      if (data !== undefined && 'message' in data) console.log(String(data.message));
    }
    await sleep(16);
  }

  // Close the clients first, then the server. websocket.close() alone does the same, with 1001.
  await Promise.all(websocket.clients.map((wsc) => wsc.close()));
  await websocket.close();
  console.log('stopped');
}

await main();
