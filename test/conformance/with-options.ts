import type * as gemsocket from '../../src/entry/browser.js';
import type { Gemsocket } from './env.js';

/** The same names, every client of which is given more options: each its own, as each asks. */
export function withOptions(library: Gemsocket, more: () => gemsocket.ClientOptions): Gemsocket {
  const extended = <O extends gemsocket.ClientOptions>(options: O | undefined) => ({ ...(options as O), ...more() });
  return {
    ...library,
    connect: (address, options) => library.connect(address, extended(options)),
    WebsocketClient: class extends library.WebsocketClient {
      constructor(address: gemsocket.Address, options?: gemsocket.ClientOptions) {
        super(address, extended(options));
      }
    },
    WebsocketRequestBus: class extends library.WebsocketRequestBus {
      override createClient(...[address, onMessage, type, options]: Parameters<gemsocket.WebsocketRequestBus['createClient']>) {
        return super.createClient(address, onMessage, type, extended(options));
      }
    },
  };
}
