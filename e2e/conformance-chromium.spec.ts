import { describeConformance, describeShared, describeStream, runPlacesInParallel } from './conformance/in-browser.js';

runPlacesInParallel();
describeConformance('Chromium', 'chromium');
describeShared('Chromium', 'chromium');
describeStream('Chromium', 'chromiumStream');
