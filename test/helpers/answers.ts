import {type Answers, readAnswers} from '../../lib/runtime/facts/answers.js';

/** What a host answers, line by line. */
export function answersOf(...lines: readonly string[]): Answers {
	return readAnswers(Buffer.from(`${lines.join('\n')}\nend\n`));
}
