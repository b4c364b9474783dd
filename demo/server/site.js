import { readFile } from 'node:fs/promises';
import { dirname, extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** URL prefixes and their folders. The library is the built bundle, as in any page. */
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
  // The console may connect to any address; everything else comes from here. (uPlot and the plots' legends set no style in markup.)
  'content-security-policy':
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
};

/** The HTTP side: the page's files, the switch that stops the WebSocket servers for a while, the cables' faults, and the race's port. */
export function createSite(services, cables, races) {
  return (request, response) => {
    answer(services(), cables, races, request).then(
      ({ status, type = 'text/plain; charset=utf-8', body = '' }) => {
        response.writeHead(status, { ...headers, 'content-type': type });
        response.end(request.method === 'HEAD' ? undefined : body);
      },
      () => response.writeHead(500, headers).end(),
    );
  };
}

async function answer(services, cables, races, request) {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  if (pathname === '/outage') return outage(services, request);
  if (pathname === '/cable') return cable(cables, request, searchParams);
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405 };
  if (pathname === '/race') return json({ port: await races.port() });
  return file(pathname === '/' ? '/index.html' : pathname);
}

/** GET returns how long the WebSocket servers stay stopped; POST, only from this page, stops them. */
async function outage(services, request) {
  if (request.method === 'POST') {
    if (!isOwnPage(request)) return { status: 403 };
    await services.interrupt();
  }
  return json({ awayMs: services.awayMs });
}

/** GET returns the counters at the far end of a page's line, and the state of its cable; POST, only from this page, causes a fault. */
function cable(cables, request, searchParams) {
  const id = searchParams.get('line') ?? '';
  const fault = faults.get(searchParams.get('fault'));
  const isOrder = request.method === 'POST';
  if (isOrder && !isOwnPage(request)) return { status: 403 };
  if (!/^[0-9a-f]{32}$/.test(id) || (isOrder && fault === undefined)) return { status: 400 };
  const line = cables.look(id);
  if (line === undefined) return { status: 503, body: 'All cables are in use. Try again in a minute.' };
  if (isOrder) fault(line.cable);
  return json(line.picture);
}

const faults = new Map([
  ['cut', (cable) => cable.cut()],
  ['freeze', (cable) => cable.freeze()],
  ['refuse', (cable) => cable.refuse()],
  ['delay', (cable) => cable.delay(true)],
  ['hurry', (cable) => cable.delay(false)],
]);

function isOwnPage({ headers }) {
  return headers.origin === `http://${headers.host}`;
}

function json(value) {
  return { status: 200, type: 'application/json', body: JSON.stringify(value) };
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
