import { describeConformance } from './conformance/in-browser.js';

describeConformance('Chromium', 'chromium');
