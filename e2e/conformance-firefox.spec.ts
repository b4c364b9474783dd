import { describeConformance, describeShared, shareRuns } from './conformance/in-browser.js';

shareRuns();
describeConformance('Firefox', 'firefox');
describeShared('Firefox', 'firefox');
