/** The script tag's one global, `Gemsocket`: everything of the browser's entry, `session()`, and `noConflict()`. */
import * as gemsocket from './browser.js';
import { session } from './session.js';

const name = 'Gemsocket';
const hadBefore = Reflect.has(globalThis, name);
const before: unknown = Reflect.get(globalThis, name);

/**
 * Gives the global `Gemsocket` back to whoever had it before this script (another version of the library, say), and
 * returns this one for you to keep.
 */
function noConflict(): typeof own {
  if (Reflect.get(globalThis, name) === own) {
    if (hadBefore) Reflect.set(globalThis, name, before);
    else Reflect.deleteProperty(globalThis, name);
  }
  return own;
}

const own: typeof gemsocket & { session: typeof session; noConflict: () => unknown } = { ...gemsocket, session, noConflict };
Reflect.set(globalThis, name, own);
