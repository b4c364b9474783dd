import { describeConformance } from './conformance/in-browser.js';

describeConformance('WebKit', 'webkit');
