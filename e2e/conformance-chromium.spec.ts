import { describeConformance, describeShared, describeStream } from './conformance/in-browser.js';

describeConformance('Chromium', 'chromium');
describeShared('Chromium', 'chromium');
describeStream('Chromium', 'chromiumStream');
