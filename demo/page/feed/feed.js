import { FEED_HISTORY } from '/shared/feed.js';
import { countDown, isReady } from '../cable/buttons.js';
import { byId, element } from '../dom.js';
import { askLine, newLine } from '../line.js';
import { continuityReport, ReceiptList } from '../receipt-list.js';
import { watchSight } from '../sight.js';
import { Composer } from './composer.js';
import { ReaderView } from './reader-view.js';
import { FeedReaders } from './readers.js';

const TICK_MS = 50;
/** The lines are shown ten times a second. */
const SHOW_EVERY = 2;
const LOOK_MS = 250;
/** While there is no fault, a request only keeps the line. */
const SELDOM_LOOK_MS = 5_000;

/** One topic and two readers on one connection. They start when the section is first in view. */
export function startFeed() {
  const panel = new FeedPanel();
  watchSight(byId('feed'), (isSeen) => panel.see(isSeen));
}

class FeedPanel {
  #line = newLine();
  #since;
  #readers;
  #isSeen = false;
  #hasBegun = false;
  #timer;
  #tickedAt = performance.now();
  #ticks = 0;
  #rate = byId('feed-rate');
  #cut = byId('feed-cut');
  #views = { slow: new ReaderView('feed-slow'), quick: new ReaderView('feed-quick') };
  #receipts = new ReceiptList('feed-receipts');
  #composer = new Composer((line) => this.#readers?.publish(line));

  constructor() {
    this.#rate.addEventListener('input', () => this.#showRate());
    this.#showRate();
    this.#cut.addEventListener('click', () => isReady(this.#cut) && void this.#cutCable());
    setInterval(() => this.#tick(), TICK_MS);
  }

  see(isSeen) {
    this.#isSeen = isSeen;
    if (isSeen && !this.#hasBegun) void this.#look();
    this.#hasBegun ||= isSeen;
  }

  /** Requests the state of the cable, and schedules the next request. */
  async #look(query, init) {
    clearTimeout(this.#timer);
    const answer = await askLine(this.#line, query, init);
    clearTimeout(this.#timer);
    const isRefused = answer?.isOk === true && this.#show(answer.content);
    this.#timer = setTimeout(() => void this.#look(), isRefused ? LOOK_MS : SELDOM_LOOK_MS);
    return answer?.isOk === true;
  }

  async #cutCable() {
    if (await this.#look('&fault=refuse', { method: 'POST' })) this.#receipts.add('fault', element('p', {}, 'The cable is cut for 5 s.'));
  }

  /** Returns whether the cable refuses connections. */
  #show({ since, faults }) {
    if (this.#since !== since) this.#close(); // the demo was restarted, and its feed begins again
    this.#since = since;
    if (this.#readers === undefined) void this.#dial();
    countDown(this.#cut, faults.refusedMs, 'Cut for 5 s', 'Cut');
    return faults.refusedMs > 0;
  }

  async #dial() {
    const readers = new FeedReaders();
    const isPresent = () => this.#readers === readers;
    this.#readers = readers;
    try {
      await readers.open(
        this.#line,
        (name, continuity) => isPresent() && this.#continued(name, continuity),
        () => isPresent() && this.#close(),
      );
    } catch {
      if (isPresent()) this.#close(); // the next request dials again
    }
  }

  #close() {
    this.#readers?.close();
    this.#readers = undefined;
  }

  #continued(name, continuity) {
    const { replayed, lost } = continuity;
    if (lost === undefined) this.#close(); // another log: its messages are not those that were counted
    if (lost > 0 && replayed === 0) this.#receipts.add('gap', element('p', {}, titles[name]), element('p', {}, gapOf(lost)));
    else this.#receipts.add(name, ...continuityReport(`${titles[name]}, reconnected`, continuity));
  }

  #tick() {
    const now = performance.now();
    this.#readers?.read(this.#rate.valueAsNumber, (now - this.#tickedAt) / 1000);
    this.#tickedAt = now;
    this.#ticks += 1;
    if (this.#isSeen && this.#readers !== undefined && this.#ticks % SHOW_EVERY === 0) this.#showReaders(this.#readers);
  }

  #showReaders({ state, slow, quick, unread, windowMessages }) {
    this.#views.slow.show(slow, unread, windowMessages);
    this.#views.quick.show(quick, 0, windowMessages);
    byId('feed-state').dataset.state = state;
    byId('feed-state').lastElementChild.textContent = `Connection ${state}`;
    this.#composer.show(state);
  }

  #showRate() {
    const { valueAsNumber: rate } = this.#rate;
    const text = rate === 1 ? '1 read per second' : `${rate} reads per second`;
    byId('feed-rate-text').value = text;
    this.#rate.setAttribute('aria-valuetext', text);
  }
}

const titles = { slow: 'Slow reader', quick: 'Quick reader' };

function gapOf(lost) {
  return `${lost === 1 ? '1 message' : `${lost} messages`} lost: the history holds ${FEED_HISTORY}.`;
}
