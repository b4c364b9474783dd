import { readFile } from 'node:fs/promises';
import { dirname, extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** URL prefixes and where their files are. The library is the built bundle, as any page would include it. */
const folders = [
  ['/shared/', folder('../shared')],
  ['/lib/', folder('../../dist')],
  ['/uplot/', dirname(fileURLToPath(import.meta.resolve('uplot')))],
  ['/', folder('../page')],
];

const contentTypes = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
};

const headers = {
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // The console may dial anywhere; everything else comes from here. (uPlot and the plots' legends set no style in markup.)
  'content-security-policy':
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
};

/** The HTTP side: the page's files, and the switch that stops the WebSocket side for a while. */
export function createSite(services) {
  return (request, response) => {
    answer(services(), request).then(
      ({ status, type = 'text/plain; charset=utf-8', body = '' }) => {
        response.writeHead(status, { ...headers, 'content-type': type });
        response.end(request.method === 'HEAD' ? undefined : body);
      },
      () => response.writeHead(500, headers).end(),
    );
  };
}

async function answer(services, request) {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (request.headers.upgrade !== undefined) return { status: 503, body: 'The WebSocket side is away. Come again in a few seconds.' };
  if (pathname === '/outage') return outage(services, request);
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405 };
  return file(pathname === '/' ? '/index.html' : pathname);
}

/** GET tells how long the WebSocket side stays away; POST, from this page only, sends it away. */
async function outage(services, request) {
  if (request.method === 'POST') {
    if (request.headers.origin !== `http://${request.headers.host}`) return { status: 403 };
    await services.interrupt();
  }
  return { status: 200, type: 'application/json', body: JSON.stringify({ awayMs: services.awayMs }) };
}

async function file(pathname) {
  const type = contentTypes[extname(pathname)];
  const [prefix, root] = folders.find(([start]) => pathname.startsWith(start));
  const notFound = { status: 404, body: 'Not found' };
  try {
    const path = normalize(join(root, decodeURIComponent(pathname.slice(prefix.length))));
    if (type === undefined || !path.startsWith(root + sep)) return notFound;
    return { status: 200, type, body: await readFile(path) };
  } catch {
    return notFound;
  }
}
