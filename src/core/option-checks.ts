import { MAX_TIMER_MS } from './clock.js';
import { type ErrorContext, makeError, type WebsocketError } from './errors.js';

type Values = Readonly<Record<string, unknown>>;

/** Checks the value of an option and returns the setting. The full name is for the error; `before` has the settings before it in its group. */
export type Rule<T> = (option: string, value: unknown, before: Values) => T;

/** A number is the default of a bound, which is in milliseconds where its name says so. */
export type Rules = Readonly<Record<string, Rule<unknown> | number>>;

export type Checked<R extends Rules> = { readonly [Name in keyof R]: R[Name] extends Rule<infer T> ? T : number };

/** The error for an option or an argument that cannot work; its message gives the valid values. */
export function invalid(option: string, value: unknown, facts?: ErrorContext): WebsocketError {
  return makeError('INVALID_OPTION', { option, value, ...facts });
}

/** Throws for a number or a boolean in place of options: without a property, every default would apply silently. */
export function checkObject(option: string, value: unknown = {}): Values {
  if (typeof value === 'object' && value !== null) return value as Values;
  throw invalid(option, value);
}

export function checkFunction<F>(option: string, value: F): F {
  if (value === undefined || typeof value === 'function') return value;
  throw invalid(option, value);
}

/** Throws for a value without the method that will be called. */
export function checkHas(option: string, value: unknown, method: string): void {
  if (typeof (value as Record<string, unknown> | null | undefined)?.[method] !== 'function') throw invalid(option, value);
}

/** Throws for a value that is no `Delivery`. */
export function checkDelivery(delivery: unknown): void {
  if (delivery === 'reliable' || delivery === 'volatile') return;
  if (typeof (delivery as { latest?: unknown } | null | undefined)?.latest !== 'string') throw invalid('delivery', delivery);
}

/** Throws for an unknown name: a misspelled option or event would be ignored silently. */
export function checkName(name: string, known: readonly string[], option: string, value: unknown): void {
  if (!known.includes(name)) throw invalid(option, value, { known });
}

/**
 * The same for all names of a group of options. A name whose value is undefined is ignored.
 *
 * @param where the group, with a point, such as 'inbox.'.
 */
export function checkNames(given: object, known: object, where = ''): void {
  for (const [name, value] of Object.entries(given)) if (value !== undefined) checkName(name, Object.keys(known), where + name, value);
}

/** Throws for a value that is not a number over 0. */
export function positive(name: string, value: unknown, fallback: number, max = Number.POSITIVE_INFINITY): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value > 0 && value <= max) return value;
  throw invalid(name, value);
}

/** The same for a time that a timer must measure: about 24 days at most. */
export function milliseconds(name: string, value: unknown, fallback: number): number {
  return positive(name, value, fallback, MAX_TIMER_MS);
}

/** The rule of a number with bounds of its own. */
export function between(min: number, max: number, fallback: number): Rule<number> {
  return (option, value = fallback) => {
    if (typeof value === 'number' && value >= min && value <= max) return value;
    throw invalid(option, value, { min, max: max === Number.POSITIVE_INFINITY ? undefined : max });
  };
}

/** The rule of a group of options: each by its own rule, and no other names. */
export function group<R extends Rules>(rules: R): Rule<Checked<R>> {
  return (option, given) => {
    const values = checkObject(option || 'options', given);
    const where = option && `${option}.`;
    checkNames(values, rules, where);
    const checked: Record<string, unknown> = {};
    for (const [name, rule] of Object.entries(rules)) {
      const value = values[name];
      if (typeof rule === 'function') checked[name] = rule(where + name, value, checked);
      else checked[name] = (name.endsWith('Ms') ? milliseconds : positive)(where + name, value, rule);
    }
    return checked as Checked<R>;
  };
}

/** The same, or false. */
export function groupOrFalse<R extends Rules>(rules: R): Rule<Checked<R> | undefined> {
  return (option, value, before) => (value === false ? undefined : group(rules)(option, value, before));
}
