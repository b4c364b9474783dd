import type { AcceptedClient } from './accepted-client.js';

export function broadcast(clients: Iterable<AcceptedClient>, message: string | ArrayBuffer | ArrayBufferView): void {
  for (const client of clients) {
    if (!client.isConnectionOpen()) continue;
    if (typeof message === 'string') client.sendMessage(message);
    else client.sendMessageBinary(message);
  }
}
