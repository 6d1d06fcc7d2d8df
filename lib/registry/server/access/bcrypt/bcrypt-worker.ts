import {parentPort} from 'node:worker_threads';
import {compareSync} from 'bcryptjs';
import type {Question, Reply} from './check.js';

/** This file is the only one that knows bcryptjs. It runs as a thread of its own: one check takes as long as a hundred requests. */
parentPort?.on('message', ({id, password, hash}: Question) => {
	const reply: Reply = {id, matches: compareSync(password, hash)};
	parentPort?.postMessage(reply);
});
