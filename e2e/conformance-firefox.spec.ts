import { describeConformance, describeShared } from './conformance/in-browser.js';

describeConformance('Firefox', 'firefox');
describeShared('Firefox', 'firefox');
