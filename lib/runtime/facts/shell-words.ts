/** A word of the shell, whatever is in it. */
export function word(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}

export function words(texts: readonly string[]): string {
	return texts.map(word).join(' ');
}

/** A part of an extended regular expression that matches just this text. */
export function literal(text: string): string {
	return text.replace(/[.[\]{}()*+?^$|\\]/g, '\\$&');
}
