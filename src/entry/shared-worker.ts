/** The script of the shared worker: one hub for all tabs. A page starts it through "gemsocket/shared". */
import { browserPlatform } from '../platform/browser/platform.js';
import { session } from '../session/feature.js';
import { Hub } from '../shared/hub.js';
import { type PortLike, webLocks } from '../shared/port.js';

const hub = new Hub({ platform: browserPlatform, locks: webLocks(navigator.locks), makeSession: session });

Object.assign(globalThis, {
  onconnect: ({ ports: [port] }: MessageEvent) => {
    if (port !== undefined) hub.accept(port as unknown as PortLike);
  },
});
