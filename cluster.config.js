import base from './ava.config.js';

// Two files at a time, and one where it says that it must be alone (test/lab/turns.ts): a host has one processor, and time-outs of a starved one are no finding.
export default {...base, files: ['test/cluster/**/*.test.ts'], concurrency: 2, timeout: '10m'};
