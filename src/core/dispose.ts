/** `Symbol.asyncDispose`, also where the engine has none yet (Safari): then the name that polyfills agree on. */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');
