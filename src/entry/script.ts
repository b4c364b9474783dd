/** The global of the script tag, `Gemsocket`: all exports of the browser's entry, `session()`, and `noConflict()`. */
import * as gemsocket from './browser.js';
import { session } from './session.js';

const name = 'Gemsocket';
const hadBefore = Reflect.has(globalThis, name);
const before: unknown = Reflect.get(globalThis, name);

/**
 * Restores the value that the global `Gemsocket` had before this script (another version of the library, for example), and
 * returns this one.
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
