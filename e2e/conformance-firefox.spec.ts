import { describeConformance, describeShared, runPlacesInParallel } from './conformance/in-browser.js';

runPlacesInParallel();
describeConformance('Firefox', 'firefox');
describeShared('Firefox', 'firefox');
