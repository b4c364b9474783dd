import type { ErrorCode, ErrorContext } from './messages.js';

/** The facts that a message can show, whatever the application has passed. */
const PLAIN = /string|number|boolean/;

/** In place of messages.ts in builds without the condition `development`: the facts, and where they are explained. */
export function messageOf(code: ErrorCode, context: ErrorContext): string {
  const facts = Object.entries(context).flatMap(([name, fact]) => (PLAIN.test(typeof fact) ? `${name} ${String(fact).slice(0, 99)}` : []));
  const text = facts.join(', ');
  return `${code}${text && `: ${text}`}. See gemsocket/docs/errors.md#${code.toLowerCase()}`;
}
