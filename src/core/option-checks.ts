import { WebsocketError } from './errors.js';

type Values = Readonly<Record<string, unknown>>;

/** Checks the value of an option, whose full name is for the error, and returns what is made of it. Those before it in its group are given. */
export type Rule<T> = (option: string, value: unknown, before: Values) => T;

/** A number is the default of a bound, which is in milliseconds where its name says so. */
export type Rules = Readonly<Record<string, Rule<unknown> | number>>;

export type Checked<R extends Rules> = { readonly [Name in keyof R]: R[Name] extends Rule<infer T> ? T : number };

/** The error for an option or an argument that cannot work: what it must be instead. */
export function invalid(option: string, value: unknown, rule: string, subject = `The option ${option}`): WebsocketError {
  return new WebsocketError('INVALID_OPTION', `${subject} ${rule}`, { option, value });
}

/** Refuses a number or a boolean where options are expected: it has no property, so every default would hold in silence. */
export function checkObject(option: string, value: unknown = {}, rule = 'must be an object.'): Values {
  if (typeof value === 'object' && value !== null) return value as Values;
  throw invalid(option, value, rule);
}

export function checkFunction<F>(option: string, value: F): F {
  if (value === undefined || typeof value === 'function') return value;
  throw invalid(option, value, 'must be a function.');
}

/** Refuses what lacks the method that it will be asked for, and so is not what `rule` says. */
export function checkHas(option: string, value: unknown, method: string, rule: string): void {
  if (typeof (value as Record<string, unknown> | null | undefined)?.[method] !== 'function')
    throw invalid(option, value, `must be ${rule}.`);
}

/** Refuses a name that is not among those known: a misspelled option or event would be ignored in silence. */
export function checkName(name: string, known: readonly string[], option: string, value: unknown, subject?: string): void {
  if (known.includes(name)) return;
  const near = known.filter((other) => other.startsWith(name.slice(0, 3)));
  throw invalid(option, value, `does not exist. Did you mean ${near.join(', ') || known.join(', ')}?`, subject);
}

/**
 * The same for all names of a group of options. A name without a value is as good as none.
 *
 * @param where the group, with a point, such as 'inbox.'.
 */
export function checkNames(given: object, known: object, where = ''): void {
  for (const [name, value] of Object.entries(given)) if (value !== undefined) checkName(name, Object.keys(known), where + name, value);
}

/** Refuses what is not a number over zero, naming the option. */
export function positive(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value > 0) return value;
  throw invalid(name, value, 'must be a number over 0.');
}

/** Longer, and `setTimeout` runs at once in every runtime: its delay has 31 bits. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The same for a time that a timer must measure: about 24 days at most. */
export function milliseconds(name: string, value: unknown, fallback: number): number {
  const delayMs = positive(name, value, fallback);
  if (delayMs <= MAX_TIMER_MS) return delayMs;
  throw invalid(name, value, `must be ${MAX_TIMER_MS} ms at most.`);
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
