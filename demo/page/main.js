import { startArena } from './arena/arena.js';
import { showBanner } from './banner.js';
import { startCable } from './cable/cable.js';
import { startConsole } from './console/console.js';
import { byId } from './dom.js';
import { startFeed } from './feed/feed.js';
import { offerInstall } from './install.js';
import { offerOutage } from './outage.js';
import { startPulse } from './pulse/pulse.js';
import { startRace } from './race/race.js';

/** One bus for the page's own connections; the console makes its clients directly. */
const bus = new Gemsocket.WebsocketRequestBus();

const arena = startArena(bus);
showBanner(arena);
showLinkState(arena);
startCable(bus);
startFeed();
startConsole();
startRace();
startPulse(bus, arena);
offerInstall();
offerOutage();
markCurrentSection();

function showLinkState(connection) {
  const show = (state) => {
    byId('link-state').dataset.state = state;
    byId('link-state-text').textContent = state;
  };
  connection.on('state', show);
  show(connection.state);
}

/** Marks the visible section in the navigation. */
function markCurrentSection() {
  const links = new Map([...document.querySelectorAll('.top nav a')].map((link) => [link.hash.slice(1), link]));
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) links.get(target.id).setAttribute('aria-current', 'true');
        else links.get(target.id).removeAttribute('aria-current');
      }
    },
    { rootMargin: '-45% 0px -54% 0px' },
  );
  for (const id of links.keys()) observer.observe(byId(id));
}
