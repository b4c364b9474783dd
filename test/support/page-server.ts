import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

const CONTENT_TYPES: Readonly<Record<string, string>> = { html: 'text/html', js: 'text/javascript', map: 'application/json' };

export interface PageServer extends AsyncDisposable {
  readonly address: string;
}

/** Serves files to a browser and echoes on every WebSocket, with ws alone, so that only the client is ours. */
export async function servePages(fileAt: (path: string) => string | Buffer | undefined): Promise<PageServer> {
  const http = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const file = fileAt(path);
    if (file === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': CONTENT_TYPES[path.split('.').pop() ?? ''] ?? 'text/html' }).end(file);
  });
  const websockets = new WebSocketServer({ server: http });
  websockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, [Symbol.asyncDispose]: () => stop(http, websockets) };
}

function stop(http: Server, websockets: WebSocketServer): Promise<void> {
  for (const socket of websockets.clients) socket.terminate();
  http.closeAllConnections();
  return new Promise((resolve) => http.close(() => resolve()));
}
