/** What the code blocks of the documents may use without saying where it comes from. */
declare const client: import('gemsocket').IWebsocketClient;
declare const bus: import('gemsocket').WebsocketRequestBus;
declare const server: import('gemsocket/server').WebsocketServer;

/** As much of React as they use; it is not installed here. */
declare module 'react' {
  export function useEffect(effect: () => (() => void) | undefined, dependencies?: readonly unknown[]): void;
  export function useState<T>(initial: T): [state: T, setState: (next: T) => void];
}
