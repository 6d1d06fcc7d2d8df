import base from './ava.config.js';

// One file at a time: a host has one processor, and time-outs of a starved one are no finding.
export default {...base, files: ['test/cluster/**/*.test.ts'], concurrency: 1, timeout: '10m'};
