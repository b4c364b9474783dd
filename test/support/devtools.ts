import { once } from 'node:events';
import WebSocket from 'ws';

/** A command of the DevTools protocol, and its result. */
export type Send = (method: string, params?: object, sessionId?: string) => Promise<Result>;

/** The results of the commands in use. */
interface Result {
  readonly targetId: string;
  readonly sessionId: string;
  readonly product: string;
  /** The result of `Runtime.evaluate`. */
  readonly result: { readonly value: unknown };
  readonly exceptionDetails?: object;
}

interface Answer {
  readonly result: Result;
  readonly error?: { readonly message: string };
}

export async function connectDevtools(address: string): Promise<Send> {
  const socket = new WebSocket(address);
  await once(socket, 'open');
  const waiting = new Map<number, (answer: Answer) => void>();
  socket.on('message', (data) => {
    const answer = JSON.parse(String(data));
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  let id = 0;
  return async (method, params = {}, sessionId = undefined) => {
    id += 1;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params, sessionId }));
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  };
}
