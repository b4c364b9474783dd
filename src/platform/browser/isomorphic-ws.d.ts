/** What isomorphic-ws is in a page: the native constructor, or null where there is none. */
declare const NativeWebSocket: typeof WebSocket | null;
export default NativeWebSocket;
