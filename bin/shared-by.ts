/** Asks once for each key, however many ask at the same time. */
export function sharedBy<K, T>(ask: (key: K) => Promise<T>): (key: K) => Promise<T> {
	const answers = new Map<K, Promise<T>>();
	return key => {
		let answer = answers.get(key);
		if (answer === undefined) {
			answer = ask(key);
			answers.set(key, answer);
		}
		return answer;
	};
}
