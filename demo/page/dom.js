/** DOM helpers for every part of the page. */

export function byId(id) {
  return document.getElementById(id);
}

/** An HTML element: attributes by name, then its children. Text is always text, never markup. */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svgElement(tag, attributes = {}, ...children) {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

/** Colours of the current theme, by the names of their custom properties. */
export function themeColors(...names) {
  const probe = element('span');
  document.body.append(probe);
  const colors = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(colors);
}

export function onThemeChange(listener) {
  document.documentElement.addEventListener('themechange', listener);
}

export const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');

/** Announces a text to screen readers, once. */
export function announce(text) {
  byId('announcer').textContent = text;
}

export function formatBytes(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(2)} MiB`;
}

export function utf8Length(text) {
  return new TextEncoder().encode(text).byteLength;
}

/** The WebSocket address of a path on the server that sent this page. */
export function addressOf(path) {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`;
}

/** An unencrypted page has an unencrypted server, and has to set the type explicitly. */
export function typeOfPage() {
  return location.protocol === 'https:' ? 'secure' : 'insecure';
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children);
  return node;
}
