import base from './ava.config.js';

export default {...base, files: ['test/cluster/**/*.test.ts'], concurrency: 1, timeout: '10m'};
