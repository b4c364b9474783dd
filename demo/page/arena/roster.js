import { cleanName, MINERALS } from '/shared/arena.js';
import { byId, element } from '../dom.js';
import { gemIcon } from './gem-icon.js';

const MAX_NEWS = 4;
const LIST_DELAY_MS = 150;

/** The list of players, and the news: joins, leaves and winners. */
export class Roster {
  #players = byId('players');
  #news = byId('news');
  #count = byId('player-count');
  #isDue = false;

  /** Updates the list after a short delay, once for all changes until then: scores change several times a second. */
  showPlayers(world, presence) {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => this.#listPlayers(world, presence), LIST_DELAY_MS);
  }

  #listPlayers(world, { away }) {
    this.#isDue = false;
    const sorted = [...world.players.values()].sort((a, b) => b.score - a.score || a.id - b.id);
    this.#count.textContent = String(sorted.length);
    this.#players.replaceChildren(...sorted.map((player) => playerRow(player, player.id === world.id, away.has(player.id))));
  }

  tell(text, player) {
    const icon = player === undefined ? [] : [gemIcon(player.mineral)];
    this.#news.prepend(element('li', {}, ...icon, element('span', {}, text)));
    while (this.#news.children.length > MAX_NEWS) this.#news.lastChild.remove();
  }
}

/** Name and stone of this tab, stored per tab, so that two tabs are two players. */
export class Identity {
  name;
  mineral;
  #onChange;

  constructor(onChange) {
    this.#onChange = onChange;
    this.name = cleanName(remembered('name') ?? '') || randomName();
    this.mineral = remembered('mineral');
    this.#fill();
  }

  get token() {
    return remembered('token');
  }

  set token(token) {
    remember('token', token);
  }

  /** Stores the stone that the server chose. */
  adopt(mineral) {
    this.mineral = mineral;
    remember('mineral', mineral);
    const choice = byId('minerals').querySelector(`[value="${mineral}"]`);
    if (choice !== null) choice.checked = true;
    this.#showMineral();
  }

  #fill() {
    const input = byId('name');
    input.value = this.name;
    input.addEventListener('change', () => {
      this.name = cleanName(input.value) || this.name;
      input.value = this.name;
      this.#changed();
    });
    byId('your-gem').addEventListener('submit', (event) => {
      event.preventDefault();
      input.blur();
    });
    byId('minerals').append(...MINERALS.map((mineral) => mineralChoice(mineral, mineral.id === this.mineral)));
    byId('minerals').addEventListener('change', (event) => {
      this.mineral = event.target.value;
      this.#changed();
    });
    this.#showMineral();
  }

  #changed() {
    remember('name', this.name);
    remember('mineral', this.mineral);
    this.#showMineral();
    this.#onChange();
  }

  #showMineral() {
    byId('mineral-name').textContent = MINERALS.find(({ id }) => id === this.mineral)?.name ?? '';
  }
}

function playerRow({ name, mineral, score, isBot }, isOwn, isAway) {
  const kind = isOwn ? 'own' : isAway ? 'away' : undefined;
  const tag = isOwn ? 'you' : isBot ? 'bot' : isAway ? 'away' : undefined;
  const tags = tag === undefined ? [] : [element('small', {}, tag)];
  return element(
    'li',
    { class: kind },
    gemIcon(mineral),
    element('span', { class: 'player-name' }, name),
    ...tags,
    element('span', { class: 'player-score', 'aria-label': `${score} points` }, String(score)),
  );
}

function mineralChoice({ id, name }, isChosen) {
  return element(
    'label',
    { title: name },
    element('input', { type: 'radio', name: 'mineral', value: id, checked: isChosen, 'aria-label': name }),
    gemIcon(id),
  );
}

const FIRST_NAMES = ['Bright', 'Lucky', 'Quick', 'Bold', 'Keen', 'Merry', 'Calm', 'Wild'];
const LAST_NAMES = ['Loupe', 'Carat', 'Prism', 'Prong', 'Dop', 'Lustre', 'Crown', 'Star'];

function randomName() {
  return `${pick(FIRST_NAMES)} ${pick(LAST_NAMES)}`;
}

function pick(list) {
  return list[Math.floor(Math.random() * list.length)];
}

function remembered(key) {
  try {
    return sessionStorage.getItem(key) ?? undefined;
  } catch {
    return undefined; // no access to storage: start without a name
  }
}

function remember(key, value) {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // no access to storage: keep the choice for this visit
  }
}
