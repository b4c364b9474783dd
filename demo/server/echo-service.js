/** The console's servers: each serves one accepted client, for the life of its connection. */

/** Returns every message unchanged: text as text, bytes as bytes. */
export function echo(client) {
  client.on('message', (message) => {
    if (!client.isConnectionOpen()) return;
    if (typeof message === 'string') client.sendMessage(message);
    else client.sendMessageBinary(message);
  });
}

/** Sends the time, as text and then as bytes (milliseconds since 1970, big-endian), once a second each. */
export function clock(client) {
  let beat = 0;
  const timer = setInterval(() => {
    if (!client.isConnectionOpen()) return;
    if (beat++ % 2 === 0) client.sendMessage(new Date().toISOString());
    else client.sendMessageBinary(timestamp());
  }, 500);
  client.on('message', () => {}); // discards messages, because a full inbox would pause the connection
  client.on('close', () => clearInterval(timer));
}

/**
 * Sends one message and closes in the same turn: the message arrives first. Another attempt would have the same result, so
 * the code is one of 4400 to 4499, after which no client reconnects.
 */
export function goodbye(client) {
  client.sendMessage('This is the last message, and it arrives before the close.');
  void client.close(4410, 'Nothing more to say');
}

function timestamp() {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(Date.now()));
  return view.buffer;
}
