import { announce, byId } from './dom.js';

const LABEL = 'Stop the server for 10 s';

/** The switch that stops the demo's WebSocket servers for ten seconds. The page stays, and requests the remaining time. */
export function offerOutage() {
  const button = byId('outage');
  const text = byId('outage-text');
  let returnsAt = 0;

  const count = () => {
    const leftMs = returnsAt - performance.now();
    const isAway = leftMs > 0;
    button.setAttribute('aria-disabled', String(isAway));
    text.textContent = isAway ? `Server returns in ${Math.ceil(leftMs / 1000)} s` : LABEL;
    if (isAway) setTimeout(count, 200);
  };
  const take = ({ awayMs }) => {
    returnsAt = performance.now() + awayMs;
    count();
  };

  button.addEventListener('click', async () => {
    if (returnsAt > performance.now()) return;
    announce('The server stops for ten seconds.');
    take({ awayMs: 10_000 });
    try {
      take(await (await fetch('/outage', { method: 'POST' })).json());
    } catch {
      returnsAt = 0;
      text.textContent = 'The page’s server does not answer';
    }
  });
  fetch('/outage')
    .then((response) => response.json())
    .then(take, () => {});
}
