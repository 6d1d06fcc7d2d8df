import {parentPort} from 'node:worker_threads';
import {compareSync, hashSync} from 'bcryptjs';
import type {Question, Reply} from './check.js';
import type {HashOrder} from './hash.js';

/** This file is the only one that knows bcryptjs. It runs as a thread of its own: one check takes as long as a hundred requests. */
parentPort?.on('message', (question: Question | HashOrder) => {
	if ('cost' in question) {
		parentPort?.postMessage(hashSync(question.password, question.cost));
		return;
	}
	const {id, password, hash} = question;
	const reply: Reply = {id, matches: compareSync(password, hash)};
	parentPort?.postMessage(reply);
});
