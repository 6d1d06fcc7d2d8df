import base from './ava.config.js';

// Hosts that boot and power cuts that are waited for leave a processor idle most of the time.
export default {...base, files: ['test/cluster/**/*.test.ts'], concurrency: 3, timeout: '10m'};
