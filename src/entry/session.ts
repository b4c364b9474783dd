export { type SessionOptions, session } from '../session/feature.js';
