import { connectWith } from './gemsocket.mjs';

export { serve } from './gemsocket.mjs';
export const connect = connectWith({});
