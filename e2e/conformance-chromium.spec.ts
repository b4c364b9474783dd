import { describeConformance, describeShared, describeStream, shareRuns } from './conformance/in-browser.js';

shareRuns();
describeConformance('Chromium', 'chromium');
describeShared('Chromium', 'chromium');
describeStream('Chromium', 'chromiumStream');
