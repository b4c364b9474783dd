export { webSocketStream } from '../platform/browser/stream-transport.js';
