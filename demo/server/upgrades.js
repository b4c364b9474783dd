/** Routes a WebSocket handshake to a cable or a service; otherwise answers with the reason. */
export function routeUpgrades(httpServer, services, cables) {
  httpServer.on('upgrade', (request, socket, head) => {
    const [path] = request.url.split('?');
    if (services.serves(path) || (path === '/cable' && cables.carry(request, socket, head))) return;
    socket.on('error', () => {}); // the peer did not wait for the answer
    socket.end(services.awayMs > 0 ? AWAY : NOT_FOUND);
  });
}

const AWAY = answer('503 Service Unavailable', 'The WebSocket server is stopped. Try again in a few seconds.\n');
const NOT_FOUND = answer('404 Not Found', 'There is no such WebSocket.\n');

function answer(status, text) {
  const headers = ['Connection: close', 'Content-Type: text/plain; charset=utf-8', `Content-Length: ${text.length}`];
  return [`HTTP/1.1 ${status}`, ...headers, '', text].join('\r\n');
}
