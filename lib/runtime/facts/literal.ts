/** A part of an extended regular expression that matches just this text. */
export function literal(text: string): string {
	return text.replace(/[.[\]{}()*+?^$|\\]/g, '\\$&');
}
