/// <reference lib="dom" />
import { connect } from 'gemsocket';
import { session } from 'gemsocket/session';
import { presence, publish, subscribe } from 'gemsocket/topics';

const find = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const form = /** @type {HTMLFormElement} */ (find('form'));
const input = /** @type {HTMLInputElement} */ (find('text'));
const name = new URLSearchParams(location.search).get('name') ?? `guest ${Math.floor(Math.random() * 1_000)}`;
const type = location.protocol === 'https:' ? 'secure' : 'insecure';
const address = `${type === 'secure' ? 'wss' : 'ws'}://${location.host}/chat?name=${encodeURIComponent(name)}`;

const client = await connect(address, { type, session: session() });
client.on('message', (text) => note(String(text)));
client.on('state', (state) => note(state === 'reconnecting' ? 'reconnecting …' : ''));

let room = '';
let leave = async () => {};
for (const button of document.querySelectorAll('button[name]'))
  button.addEventListener('click', () => enter(button.getAttribute('name') ?? ''));
form.addEventListener('submit', (event) => {
  event.preventDefault();
  publish(client, room, JSON.stringify({ name, text: input.value })).catch((error) => note(error.message));
  input.value = '';
});
input.addEventListener('input', () => client.sendMessage(`typing ${room}`, 'volatile'));
await enter('lobby');

async function enter(/** @type {string} */ next) {
  await leave();
  if (room !== '') client.sendMessage(`leave ${room}`);
  room = next;
  client.sendMessage(`enter ${room}`);
  find('room').textContent = room;
  find('messages').replaceChildren();
  const feed = await subscribe(client, room, ({ message }) => append(JSON.parse(String(message))), { from: 'oldest' });
  feed.on('continuity', ({ lost }) => lost !== 0 && note(`${lost ?? 'some'} messages are older than the history`));
  const people = await presence(client, room);
  for (const event of /** @type {const} */ (['join', 'leave', 'change'])) people.on(event, () => show(people.members));
  show(people.members);
  leave = async () => void (await Promise.all([feed.unsubscribe(), people.leave()]));
}

function append(/** @type {{ name: string, text: string }} */ said) {
  const item = document.createElement('li');
  item.append(Object.assign(document.createElement('b'), { textContent: said.name }), ` ${said.text}`);
  find('messages').append(item);
  item.scrollIntoView();
}

function show(/** @type {ReadonlyMap<string, import('gemsocket/topics').Member>} */ members) {
  const items = [...members.values()].map(({ key, state }) =>
    Object.assign(document.createElement('li'), { textContent: key, className: state }),
  );
  find('members').replaceChildren(...items);
}

function note(/** @type {string} */ text) {
  find('note').textContent = text;
}
