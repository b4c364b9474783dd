import { describeConformance, describeShared, shareRuns } from './conformance/in-browser.js';

shareRuns();
describeConformance('WebKit', 'webkit');
describeShared('WebKit', 'webkit');
