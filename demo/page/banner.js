import { announce, byId } from './dom.js';

const WELCOME_BACK_MS = 5_000;

/** The notice at the foot of the page while the arena's connection is lost: the number and the time of the next attempt. */
export function showBanner(connection) {
  const banner = new Banner();
  connection.on('reconnecting', (attempt) => banner.waiting(attempt));
  connection.on('reconnected', () => banner.back());
  connection.on('open', () => banner.back());
  connection.on('close', (info) => banner.ended(info, () => connection.restart()));
  connection.on('retry', () => banner.hide());
}

class Banner {
  #root = byId('banner');
  #title = byId('banner-title');
  #note = byId('banner-note');
  #action = byId('banner-action');
  #lostAt;
  #attempts = 0;
  #dialsAt = 0;
  #delayMs = 0;
  #timer;

  waiting({ attempt, delayMs }) {
    if (this.#lostAt === undefined) {
      this.#lostAt = performance.now();
      announce('The connection is lost. Reconnecting automatically.');
    }
    this.#attempts = attempt;
    this.#delayMs = delayMs;
    this.#dialsAt = performance.now() + delayMs;
    this.#show('waiting');
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#count(), 100);
    this.#count();
  }

  back() {
    if (this.#lostAt === undefined) return this.hide();
    const seconds = ((performance.now() - this.#lostAt) / 1000).toFixed(1);
    const tries = this.#attempts === 1 ? 'one attempt' : `${this.#attempts} attempts`;
    this.#lostAt = undefined;
    clearInterval(this.#timer);
    this.#show('back');
    this.#title.textContent = 'Connected again';
    this.#note.textContent = `Away for ${seconds} s, ${tries}. Your gem and your score are unchanged.`;
    this.#ring(0);
    announce('Connected again.');
    this.#timer = setTimeout(() => this.hide(), WELCOME_BACK_MS);
  }

  ended({ code, reason }, again) {
    this.#lostAt = undefined;
    clearInterval(this.#timer);
    this.#show('ended');
    this.#title.textContent = 'The arena closed the connection';
    this.#note.textContent = `${code}${reason === '' ? '' : `: ${reason}`}`;
    this.#action.hidden = false;
    this.#action.onclick = again;
    announce('The arena closed the connection. There is a button to connect again.');
  }

  hide() {
    clearInterval(this.#timer);
    this.#root.hidden = true;
    this.#action.hidden = true;
  }

  #show(phase) {
    this.#root.hidden = false;
    this.#root.dataset.phase = phase;
    this.#action.hidden = true;
  }

  #count() {
    const leftMs = Math.max(0, this.#dialsAt - performance.now());
    this.#title.textContent = 'The server is away';
    const when = leftMs > 0 ? `in ${inSeconds(leftMs)}` : 'is under way';
    this.#note.textContent = `Reconnecting automatically.\nAttempt ${this.#attempts} ${when}`;
    this.#ring(this.#delayMs > 0 && Number.isFinite(leftMs) ? leftMs / this.#delayMs : 0);
  }

  #ring(share) {
    this.#root.querySelector('.left').style.strokeDashoffset = String(100 - share * 100);
  }
}

/** A page in the background waits until it is shown. */
function inSeconds(ms) {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(1)} s` : 'a while: when this page is shown again';
}
