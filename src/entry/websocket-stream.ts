export { webSocketStream } from '../platform/browser/web-socket-stream.js';
