import base from './ava.config.js';

export default {...base, files: ['test/interop/**/*.test.ts'], concurrency: 1, timeout: '10m'};
