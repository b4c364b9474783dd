import { WebsocketError } from '../core/errors.js';

export function invalid(option: string, value: unknown, rule: string): WebsocketError {
  return new WebsocketError('INVALID_OPTION', `The option ${option} ${rule}`, { option, value });
}

/** Refuses a number or a boolean where options are expected: it has no property, so every default would hold in silence. */
export function checkObject(option: string, value: unknown, rule: string): void {
  if (value !== undefined && (typeof value !== 'object' || value === null)) throw invalid(option, value, rule);
}

export function checkFunction<F>(option: string, value: F): F {
  if (value === undefined || typeof value === 'function') return value;
  throw invalid(option, value, 'must be a function.');
}
