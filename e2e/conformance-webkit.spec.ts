import { describeConformance, describeShared, runPlacesInParallel } from './conformance/in-browser.js';

runPlacesInParallel();
describeConformance('WebKit', 'webkit');
describeShared('WebKit', 'webkit');
