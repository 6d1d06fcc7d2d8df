/** Text of a host, fit for a line of a report: no control characters, not long. */
export function printable(text: string): string {
	const plain = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
	return plain.length > 200 ? `${plain.slice(0, 200)}…` : plain;
}

/** The same error with a printable message: ssh2 puts words of the host into its errors. */
export function tamed<E extends Error>(error: E): E {
	error.message = printable(error.message.replace(/^\(SSH\) Channel open failure:/, ''));
	return error;
}
