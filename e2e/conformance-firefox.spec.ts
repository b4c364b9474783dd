import { describeConformance } from './conformance/in-browser.js';

describeConformance('Firefox', 'firefox');
