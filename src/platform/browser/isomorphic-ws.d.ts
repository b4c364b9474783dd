/** The type of isomorphic-ws in a page: the native constructor, or null if there is none. */
declare const NativeWebSocket: typeof WebSocket | null;
export default NativeWebSocket;
