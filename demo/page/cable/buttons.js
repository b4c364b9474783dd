import { byId } from '../dom.js';

/** The cable's faults. A button counts down the time of its fault, and is disabled meanwhile. */
export class FaultButtons {
  #freeze = byId('cable-freeze');
  #refuse = byId('cable-refuse');
  #delay = byId('cable-delay');
  #isDelayed = false;

  constructor(order) {
    byId('cable-cut').addEventListener('click', () => order(faults.cut));
    this.#freeze.addEventListener('click', () => isReady(this.#freeze) && order(faults.freeze));
    this.#refuse.addEventListener('click', () => isReady(this.#refuse) && order(faults.refuse));
    this.#delay.addEventListener('click', () => order(this.#isDelayed ? faults.hurry : faults.delay));
  }

  show({ frozenMs, refusedMs, isDelayed }) {
    countDown(this.#freeze, frozenMs, 'Freeze 5 s', 'Frozen');
    countDown(this.#refuse, refusedMs, 'Refuse 5 s', 'Refusing');
    this.#isDelayed = isDelayed;
    this.#delay.setAttribute('aria-pressed', String(isDelayed));
  }
}

/** The faults: the name of the command, and the text of the receipt. */
export const faults = {
  firstCut: { name: 'cut', receipt: 'This page cut the cable once, to show what happens.' },
  cut: { name: 'cut', receipt: 'The cable was cut.' },
  freeze: { name: 'freeze', receipt: 'The cable is frozen for 5 s.' },
  refuse: { name: 'refuse', receipt: 'The cable was cut, and new connections are refused for 5 s.' },
  delay: { name: 'delay', receipt: 'Everything takes 500 ms longer.' },
  hurry: { name: 'hurry', receipt: 'The delay of 500 ms is over.' },
};

export function isReady(button) {
  return button.getAttribute('aria-disabled') !== 'true';
}

/** Disables the button of a fault while the fault lasts. */
export function countDown(button, leftMs, label, busy) {
  button.setAttribute('aria-disabled', String(leftMs > 0));
  const text = leftMs > 0 ? `${busy}, ${Math.ceil(leftMs / 1000)} s` : label;
  const span = button.querySelector('span');
  if (span.textContent !== text) span.textContent = text;
}
