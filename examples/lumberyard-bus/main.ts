// The five calls of the Lumberyard Websockets Gem, in TypeScript: main.js [address] [certificate file]

import { readFileSync } from 'node:fs';
import { type IWebsocketClient, type Message, type OnMessage, WebsocketRequestBus } from 'gemsocket';

const [address = 'localhost:8443', certificateFile = 'cert.pem'] = process.argv.slice(2);

class HighScores {
  readonly #bus = new WebsocketRequestBus();
  #client: IWebsocketClient | undefined;

  activate(): void {
    const messageFunc: OnMessage = (message) => {
      this.#handleResponses(message);
    };
    // CreateClient. 'secure' is also the default. The certificate is self-signed, so `ca` names it as its own authority; for a
    // certificate of a public authority, leave `node` out.
    this.#client = this.#bus.createClient(address, messageFunc, 'secure', { node: { ca: readFileSync(certificateFile) } });
    this.#bus.on('open', (client) => this.#sendScore(client));
    this.#bus.on('error', (_client, error) => console.error(`${error.code}: ${error.message}`));
  }

  #sendScore(client: IWebsocketClient): void {
    console.log(`open: ${this.#bus.isConnectionOpen(client)}`); // IsConnectionOpen
    this.#bus.sendWebsocketMessage(client, 'score 4200'); // SendWebsocketMessage
    this.#bus.sendWebsocketMessageBinary(client.id, new Uint8Array([4, 2, 0, 0])); // SendWebsocketMessageBinary, by id
  }

  #handleResponses(message: Message): void {
    if (typeof message === 'string') console.log(`text: ${message}`);
    else {
      console.log(`binary: ${message.length} bytes`);
      void this.deactivate();
    }
  }

  async deactivate(): Promise<void> {
    if (this.#client === undefined) return;
    const { code, wasClean } = await this.#bus.closeWebsocket(this.#client, 1000, 'done'); // CloseWebsocket
    console.log(`closed: ${code}, clean: ${wasClean}, left on the bus: ${this.#bus.clients.size}`);
  }
}

new HighScores().activate();
