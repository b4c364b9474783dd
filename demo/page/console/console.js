import { addressOf, byId, typeOfPage } from '../dom.js';
import { Composer } from './composer.js';
import { MessageLog } from './log.js';
import { MachineDiagram } from './machine.js';
import { Trouble } from './trouble.js';

/** Example addresses, some of which demonstrate an error. */
const presets = {
  echo: () => ({ address: addressOf('/echo'), protocols: 'echo', type: typeOfPage() }),
  clock: () => ({ address: addressOf('/clock'), protocols: 'clock', type: typeOfPage() }),
  goodbye: () => ({ address: addressOf('/goodbye'), protocols: '', type: typeOfPage() }),
  insecure: () => ({ address: `ws://${location.host}/echo`, protocols: '', type: 'secure' }),
  // A port that browsers do not block.
  nobody: () => ({ address: 'ws://localhost:49151', protocols: '', type: 'insecure' }),
};

export function startConsole() {
  new Console().start();
}

class Console {
  #client;
  /** The last reported error: a failed attempt appears in its promise, in the event, and as the reason of the close. */
  #reported;
  #form = byId('dial');
  #log = new MessageLog();
  #machine = new MachineDiagram();
  #trouble = new Trouble();
  #composer = new Composer((message, title) => this.#send(message, title));

  start() {
    this.#fill(presets.echo());
    this.#show('idle');
    byId('dial').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#connect();
    });
    byId('hang-up').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#close();
    });
    for (const button of document.querySelectorAll('[data-preset]')) {
      button.addEventListener('click', () => {
        this.#fill(presets[button.dataset.preset]());
        void this.#connect();
      });
    }
  }

  #fill({ address, protocols, type }) {
    const { elements } = this.#form;
    elements.address.value = address;
    elements.protocols.value = protocols;
    elements.type.value = type;
  }

  /** A client connects once, so every attempt of the visitor creates a new one. */
  async #connect() {
    this.#trouble.clear();
    this.#reported = undefined;
    await this.#client?.close();
    this.#machine.show('idle');
    try {
      const client = this.#newClient();
      this.#client = client;
      this.#watch(client);
      await client.connect();
      void this.#read(client);
    } catch (error) {
      this.#fail(error);
    }
  }

  #newClient() {
    const { address, protocols, type, reconnect } = this.#form.elements;
    const Client = type.value === 'secure' ? Gemsocket.SecureWebsocketClient : Gemsocket.WebsocketClient;
    return new Client(address.value, {
      protocols: protocols.value.split(/[\s,]+/).filter((name) => name !== ''),
      reconnect: reconnect.checked ? { minDelayMs: 500, maxDelayMs: 4_000 } : false,
    });
  }

  #watch(client) {
    const isPresent = () => client === this.#client;
    client.on('state', (now, before) => isPresent() && this.#show(now, before));
    client.on('open', () => this.#log.note(opened(client), 'good'));
    client.on('reconnecting', ({ attempt, delayMs, cause }) => this.#log.note(retrying(attempt, delayMs, cause), 'warning'));
    client.on('reconnected', () => this.#log.note('Reconnected. It is unknown which messages in transit arrived.', 'good'));
    client.on('close', ({ code, reason, wasClean }) => {
      const news = reason === this.#reported?.message ? '' : reason;
      this.#log.note(closed(code, news, wasClean), wasClean ? 'plain' : 'bad');
    });
    client.on('error', (error) => isPresent() && this.#fail(error));
  }

  /** Ends with the connection, after the last message. */
  async #read(client) {
    for await (const message of client) this.#log.message('in', message);
  }

  #show(now, before) {
    this.#machine.show(now, before);
    const isLive = now !== 'idle' && now !== 'closed';
    this.#composer.setOpen(now === 'open' || now === 'reconnecting');
    byId('close').disabled = !isLive || now === 'closing';
    byId('connect').textContent = isLive ? 'Connect again' : 'Connect';
  }

  #send(message, title) {
    try {
      if (typeof message === 'string') this.#client.sendMessage(message);
      else this.#client.sendMessageBinary(message);
      this.#log.message('out', message, title);
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #close() {
    const { code, reason } = byId('hang-up').elements;
    this.#trouble.clear();
    try {
      void this.#client.close(Number(code.value), reason.value);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    if (error.code === 'ABORTED' || (error.code === 'NOT_OPEN' && error.context.state === 'closed')) return; // the visitor closed it
    if (error === this.#reported) return;
    this.#reported = error;
    const remedy = {
      label: 'Use the type insecure',
      act: () => {
        this.#form.elements.type.value = 'insecure';
        void this.#connect();
      },
    };
    this.#trouble.show(error, error.code === 'INSECURE_ADDRESS' ? remedy : undefined);
    this.#log.note(`${error.code ?? error.name}: ${error.message}`, 'bad');
  }
}

function opened({ protocol }) {
  return protocol === '' ? 'Open, with no subprotocol' : `Open, with the subprotocol “${protocol}”`;
}

function retrying(attempt, delayMs, cause) {
  const why =
    typeof cause?.code === 'number' ? `closed with ${cause.code}${cause.reason ? ` (${cause.reason})` : ''}` : (cause?.code ?? 'lost');
  const when = Number.isFinite(delayMs) ? `in ${(delayMs / 1000).toFixed(1)} s` : 'when this page is shown again';
  return `${attempt === 1 ? `Connection ${why}. ` : ''}Attempt ${attempt} ${when}`;
}

function closed(code, reason, wasClean) {
  return `Closed with ${code}${reason === '' ? '' : ` (${reason})`}, ${wasClean ? 'cleanly' : 'not cleanly'}`;
}
