import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Third-party programs that the tests communicate with or build networks with: `find` returns the path, or undefined if it is missing. */
export const programs = {
  websocketd: { debianPackage: 'websocketd', find: () => locate('/usr/bin/websocketd') },
  libwebsockets: { debianPackage: 'libwebsockets-test-server', find: () => locate('/usr/bin/libwebsockets-test-server') },
  inspircd: { debianPackage: 'inspircd', find: () => locate('/usr/sbin/inspircd') },
  pythonWebsockets: { debianPackage: 'python3-websockets', find: () => locatePythonWith('websockets') },
  nginx: { debianPackage: 'nginx-light', find: () => locate('/usr/sbin/nginx') },
  ip: { debianPackage: 'iproute2', find: () => locate('/usr/sbin/ip') ?? locate('/sbin/ip') },
  haproxy: { debianPackage: 'haproxy', find: () => locate('/usr/sbin/haproxy') },
};

/** The Debian packages of the programs that are not installed. */
export function missingPackages() {
  return Object.values(programs).flatMap(({ debianPackage, find }) => (find() === undefined ? [debianPackage] : []));
}

function locate(path) {
  return existsSync(path) ? path : undefined;
}

/** Debian's own Python: another one in the PATH cannot import Debian's packages. */
function locatePythonWith(module) {
  const python = '/usr/bin/python3';
  try {
    execFileSync(python, ['-c', `import ${module}`], { stdio: 'ignore' });
    return python;
  } catch {
    return undefined;
  }
}
