import { SAY_MS } from '/shared/pace.js';
import { byId } from '../dom.js';
import { askLine, newLine } from '../line.js';
import { watchSight } from '../sight.js';
import { FaultButtons, faults } from './buttons.js';
import { CableDrawing } from './drawing.js';
import { FirstCut } from './first-cut.js';
import { Receipts } from './receipts.js';
import { Score } from './score.js';
import { Side } from './side.js';

const LOOK_MS = 200;
/** Used while the cable is out of view, when no numbers are exchanged and the request only keeps the line; or while the server does not answer. */
const SELDOM_LOOK_MS = 5_000;
const names = ['plain', 'session'];

/** Two clients on one cable. They start when the section is first in view. */
export function startCable(bus) {
  const panel = new CablePanel(bus);
  watchSight(byId('cable'), (isSeen) => panel.see(isSeen));
}

class CablePanel {
  #bus;
  #line;
  #since;
  #sides;
  #hasBegun = false;
  #isSeen = false;
  #timer;
  #isLooking = false;
  #drawing = new CableDrawing();
  #receipts = new Receipts();
  #scores = new Map(names.map((name) => [name, new Score(name)]));
  #firstCut = new FirstCut(() => void this.#order(faults.firstCut));
  #buttons = new FaultButtons((fault) => this.#chosen(fault));

  constructor(bus) {
    this.#bus = bus;
    byId('cable-again').addEventListener('click', () => {
      this.#firstCut.cancel();
      this.#begin();
    });
    setInterval(() => this.#say(), SAY_MS);
  }

  see(isSeen) {
    this.#isSeen = isSeen;
    byId('cable').classList.toggle('unseen', !isSeen);
    if (this.#line === undefined && isSeen) this.#begin();
    else if (isSeen) void this.#look();
  }

  /** A new line, with new counters. */
  #begin() {
    for (const side of this.#sides?.values() ?? []) void side.client.close();
    this.#line = newLine();
    this.#since = undefined;
    this.#sides = undefined;
    this.#hasBegun = false;
    this.#receipts.clear();
    void this.#look();
  }

  #dial() {
    this.#sides = new Map(names.map((name) => [name, this.#newSide(name)]));
  }

  #newSide(name) {
    const side = new Side(this.#bus, name, this.#line);
    const isPresent = () => this.#sides?.get(name) === side;
    side.client.on('reconnected', (continuity) => isPresent() && this.#receipts.reconnected(name, continuity));
    side.client.on('close', (info) => isPresent() && this.#receipts.closed(name, info));
    side.client.on('error', () => {}); // disconnects are the purpose of the cable, and the receipts report them
    return side;
  }

  /** Both clients start once both are open, so that they have sent equally many numbers and are comparable. */
  #say() {
    if (!this.#isSeen || this.#sides === undefined) return;
    const sides = [...this.#sides.values()];
    this.#hasBegun ||= sides.every(({ client }) => client.state === 'open');
    if (!this.#hasBegun) return;
    for (const side of sides) side.say();
  }

  #chosen(fault) {
    this.#firstCut.cancel();
    void this.#order(fault);
  }

  async #order(fault) {
    const line = this.#line;
    if (line === undefined) return;
    if (fault.name === 'cut') this.#drawing.cut();
    const isAnswered = await this.#ask(`&fault=${fault.name}`, { method: 'POST' });
    if (isAnswered && line === this.#line) this.#receipts.fault(fault.receipt);
  }

  /** Requests the counters, and schedules the next request. */
  async #look() {
    if (this.#isLooking) return;
    this.#isLooking = true;
    clearTimeout(this.#timer);
    const isAnswered = await this.#ask('');
    this.#isLooking = false;
    this.#timer = setTimeout(() => void this.#look(), this.#isSeen && isAnswered ? LOOK_MS : SELDOM_LOOK_MS);
  }

  async #ask(query, init) {
    const line = this.#line;
    const answer = await askLine(line, query, init);
    if (answer === undefined) return false; // the demo was stopped; a later request detects its return
    if (line !== this.#line) return true; // a new line began during the request
    if (answer.isOk) this.#show(answer.content);
    else this.#drawing.tell(answer.content);
    return answer.isOk;
  }

  #show(picture) {
    if (this.#since !== undefined && this.#since !== picture.since) return this.#begin(); // the demo was restarted, and its counters start again
    if (this.#since === undefined) {
      this.#since = picture.since;
      this.#dial();
    }
    for (const [name, side] of this.#sides) this.#scores.get(name).show(side.score(picture[name]), side.client.state);
    const states = Object.fromEntries([...this.#sides].map(([name, side]) => [name, side.client.state]));
    this.#drawing.show(picture.faults, states, this.#firstCut.advance(this.#hasBegun));
    this.#buttons.show(picture.faults);
  }
}
