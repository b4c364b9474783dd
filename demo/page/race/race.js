import { byId } from '../dom.js';
import { Lane } from './lane.js';

/** Short enough that all bars seem to fill at once, and that a change of the machine's speed affects all lanes alike. */
const TURN_MS = 100;
const NAMES = ['native', 'plain', 'session'];

/** Of each, the browser's own WebSocket takes a few seconds. */
const WORKS = {
  '64x100': { bytes: 64, inFlight: 100, messages: 24_000 },
  '64x1': { bytes: 64, inFlight: 1, messages: 3_000 },
  '1024x100': { bytes: 1024, inFlight: 100, messages: 16_000 },
  '16384x16': { bytes: 16 * 1024, inFlight: 16, messages: 3_000 },
};

/** Three connections send the same messages to the same server, in turns. The bar of each shows how many have returned. */
export function startRace() {
  const [form, start] = [byId('race-form'), byId('race-start')];
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    start.disabled = true;
    showResult('Running.');
    try {
      showResult(await race(WORKS[form.elements['race-work'].value]));
    } catch (error) {
      showResult(`The race was not finished. ${error.message}`);
    } finally {
      start.disabled = false;
    }
  });
}

async function race({ bytes, inFlight, messages }) {
  const work = { text: 'x'.repeat(bytes), inFlight, messages };
  const lanes = NAMES.map((name) => new Lane(name));
  show(lanes, messages);
  try {
    const url = await addressOfServer();
    await Promise.all(lanes.map((lane) => lane.open(url)));
    for (const lane of lanes) await lane.run(work, TURN_MS);
    for (const lane of lanes) lane.reset();
    for (let left = lanes; left.length > 0; left = left.filter(({ done }) => done < messages)) {
      for (const lane of left) {
        await lane.run(work, TURN_MS);
        show(lanes, messages);
      }
    }
  } finally {
    for (const lane of lanes) lane.close();
  }
  return verdict(lanes);
}

/** The server has a port of its own, on the machine that serves this page. */
async function addressOfServer() {
  const response = await fetch('/race');
  if (!response.ok) throw new Error('Its server did not start.');
  const { port } = await response.json();
  return `ws://${location.hostname}:${port}`;
}

function show(lanes, messages) {
  for (const { name, done, perSecond } of lanes) {
    const row = byId(`race-${name}`);
    row.querySelector('progress').value = done / messages;
    row.querySelector('output').value = perSecond === 0 ? '–' : Math.round(perSecond).toLocaleString('en');
  }
}

function verdict([native, ...ours]) {
  const times = ours.map(({ name, perSecond }) => `${name} ${(perSecond / native.perSecond).toFixed(1)}`);
  return `Messages a second, native WebSocket = 1: ${times.join(', ')}.`;
}

function showResult(text) {
  byId('race-result').textContent = text;
}
