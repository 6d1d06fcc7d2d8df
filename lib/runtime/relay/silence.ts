const looks = 4;

/**
 * Calls back once when a count has not changed for about `ms`. A time-out of the socket's own is set anew, with a look at the clock,
 * for every 16 KiB that pass: on virtual machines that is dearer than decrypting them.
 */
export function watchSilence(count: () => number, ms: number, onSilence: () => void): {stop(): void} {
	let before = count();
	let quiet = 0;
	const timer = setInterval(() => {
		const now = count();
		quiet = now === before ? quiet + 1 : 0;
		before = now;
		if (quiet < looks) return;
		clearInterval(timer);
		onSilence();
	}, ms / looks);
	timer.unref();
	return {stop: () => clearInterval(timer)};
}
