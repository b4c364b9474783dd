import { describeConformance, describeShared } from './conformance/in-browser.js';

describeConformance('WebKit', 'webkit');
describeShared('WebKit', 'webkit');
