/**
 * One argument as a word of a command line. The word means the same to every shell that may be someone's login shell: sh in all
 * its forms, bash, zsh, fish, and (but for line ends) csh. Works on characters, so a latin1 string of bytes keeps its bytes.
 */
export function quote(argument: string): string {
	if (plain.test(argument)) return argument;
	// fish knows escapes between single quotes, csh expands `!` there: these stand outside, where a backslash does the same for all.
	return `'${argument.replaceAll(/['\\!]/g, "'\\$&'")}'`;
}

/** A list of arguments as a command line. */
export function quoteAll(argv: readonly string[]): string {
	return argv.map(quote).join(' ');
}

/** No `=` and `~` (zsh), no `%` (old fish), no `^` (old sh): words that no shell expands. */
const plain = /^[A-Za-z0-9_@+:,./-]+$/;
