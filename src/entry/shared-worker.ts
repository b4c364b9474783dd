/** The script of the shared worker: one hub for all tabs. A page starts it through "gemsocket/shared". */
import { browserPlatform } from '../platform/browser/platform.js';
import { session } from '../session/feature.js';
import { Hub } from '../shared/hub.js';
import { type PortLike, webLocks } from '../shared/port.js';
import { TabRelay } from '../topics/tab-relay.js';

const hub = new Hub({
  platform: browserPlatform,
  locks: webLocks(navigator.locks),
  makeSession: session,
  makeRelay: (client) => client.extension('topics', (port) => new TabRelay(port, browserPlatform.clock)),
});

Object.assign(globalThis, {
  onconnect: ({ ports: [port] }: MessageEvent) => {
    if (port !== undefined) hub.accept(port as unknown as PortLike);
  },
});
