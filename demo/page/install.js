import { announce, byId } from './dom.js';

const CONFIRMED_MS = 2_000;

/** The button that copies the install command. */
export function offerInstall() {
  const command = byId('install-command');
  const button = byId('install-copy');
  const label = button.textContent;
  let timer;

  button.addEventListener('click', async () => {
    const isCopied = await copy(command.textContent);
    if (!isCopied) select(command);
    button.textContent = isCopied ? 'Copied' : 'Selected';
    announce(isCopied ? 'The install command is copied.' : 'The install command is selected: copy it with your keyboard.');
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = label;
    }, CONFIRMED_MS);
  });
}

/** Resolves with true if the text is in the clipboard. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByCommand(text); // an unencrypted page has no clipboard API, and a browser may refuse it
  }
}

function copyByCommand(text) {
  const before = document.activeElement;
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'visually-hidden';
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  before?.focus({ preventScroll: true });
  return isCopied;
}

function select(element) {
  getSelection().selectAllChildren(element);
}
