// The client of the Openplanet plugin's page, call for call: node client.js [port]

import { setTimeout as sleep } from 'node:timers/promises';
import { WebsocketClient } from 'gemsocket';

const port = Number(process.argv[2] ?? 5432);

/** @type {import('gemsocket').IWebsocketClient | null} */
let websocket = null;

// A separate loop that fetches messages once per frame.
async function readLoop() {
  while (true) {
    if (websocket === null) break;

    const msg = websocket.getMessage();

    if (msg !== undefined && 'message' in msg) console.log(String(msg.message).trim());

    // This comes once, after the last message.
    if (msg !== undefined && 'closeCode' in msg) {
      console.log(`closed: ${msg.closeCode} ${msg.reason}`);
      break;
    }

    await sleep(16); // yield(): in a browser, requestAnimationFrame
  }
}

async function main() {
  // Use new SecureWebsocketClient(…) for wss. Only one connection, without reconnects, as in the plugin.
  const client = new WebsocketClient(`localhost:${port}`, { reconnect: false });
  try {
    await client.connect();
  } catch (error) {
    console.log('unable to connect to websocket:', /** @type {Error} */ (error).message);
    return;
  }
  websocket = client;

  const reading = readLoop();

  for (let count = 0; count < 5 && websocket.isConnectionOpen(); count++) {
    websocket.sendMessage('testing');
    await sleep(100);
  }

  // The loop reads the messages that arrive during the close before the close itself.
  await websocket.close();
  await reading;
  websocket = null;
}

await main();
