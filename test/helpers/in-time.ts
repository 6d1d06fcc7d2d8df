/**
 * The result of work that may take so long and no longer. Ava's own limit counts from the last thing that any test said, ends a whole file and does not say
 * which test was under way.
 * @throws Error with what `tell` says of where it stands
 */
export async function inTime<T>(work: Promise<T>, limitMs: number, tell: () => string = () => ''): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`It took more than ${limitMs / 1000} s. ${tell()}`.trim())), limitMs);
	});
	return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
