#!/usr/bin/env node
import {keepCompiledCode} from './compiled-code.js';
import {processIo} from './io.js';
import {main} from './main.js';
import {reportFailure} from './report-failure.js';

const io = processIo();
const argv = process.argv.slice(2);
keepCompiledCode(io);
// A defect that escapes every catch is still told as an error with a code, and the exit handlers restore the terminal.
process.on('uncaughtException', error => {
	void reportFailure(error, {io, settings: undefined, argv, interruptedBy: undefined}).then(code => process.exit(code));
});

process.exit(await main(argv, io));
