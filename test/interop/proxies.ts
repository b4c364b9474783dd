import type { Certificate } from '../support/certificates.js';
import { freePort, startListening } from '../support/programs.js';
import { type Folder, temporaryFolder } from './folder.js';

/** A reverse proxy in front of a server: plain on one port, and terminating TLS on another. */
export interface ReverseProxy extends AsyncDisposable {
  readonly address: string;
  readonly secureAddress: string;
}

interface Setting {
  readonly port: number;
  readonly securePort: number;
  readonly targetPort: number;
  readonly idleSeconds: number;
  readonly folder: Folder;
  readonly certificate: Certificate;
}

export interface ProxyOptions {
  readonly program: string;
  readonly targetPort: number;
  /** The proxy cuts a connection after this long without a byte. */
  readonly idleSeconds: number;
  readonly certificate: Certificate;
}

export const startNginx = (options: ProxyOptions) => start(options, nginxArguments);
export const startHaproxy = (options: ProxyOptions) => start(options, haproxyArguments);

async function start(options: ProxyOptions, configure: (setting: Setting) => Promise<string[]>): Promise<ReverseProxy> {
  const folder = await temporaryFolder();
  const [port, securePort] = [await freePort(), await freePort()];
  const program = await startListening(port, options.program, await configure({ ...options, port, securePort, folder }));
  return {
    address: `ws://127.0.0.1:${port}`,
    secureAddress: `wss://localhost:${securePort}`,
    async [Symbol.asyncDispose]() {
      await program.kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function nginxArguments({ port, securePort, targetPort, idleSeconds, folder, certificate }: Setting): Promise<string[]> {
  const cert = await folder.write('cert.pem', certificate.cert);
  const key = await folder.write('key.pem', certificate.key);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder.path}/${name};`)
    .join('\n');
  const file = await folder.write(
    'nginx.conf',
    `
    daemon off;
    master_process off;
    pid ${folder.path}/nginx.pid;
    error_log stderr warn;
    events { worker_connections 256; }
    http {
      access_log off;
      ${temporary}
      server {
        listen 127.0.0.1:${port};
        listen 127.0.0.1:${securePort} ssl;
        ssl_certificate ${cert};
        ssl_certificate_key ${key};
        location / {
          proxy_pass http://127.0.0.1:${targetPort};
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection upgrade;
          proxy_set_header Host $http_host;
          proxy_read_timeout ${idleSeconds}s;
        }
      }
    }`,
  );
  return ['-c', file, '-e', 'stderr'];
}

async function haproxyArguments({ port, securePort, targetPort, idleSeconds, folder, certificate }: Setting): Promise<string[]> {
  const pem = await folder.write('cert.pem', `${certificate.cert}\n${certificate.key}`);
  const file = await folder.write(
    'haproxy.cfg',
    `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel ${idleSeconds}s
frontend sockets
  bind 127.0.0.1:${port}
  bind 127.0.0.1:${securePort} ssl crt ${pem}
  default_backend ours
backend ours
  server one 127.0.0.1:${targetPort}
`,
  );
  return ['-db', '-f', file];
}
