import {SealError} from '../../core/errors.js';

/** Gives the mode of a copied entry from the one it has. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

/**
 * Reads `--chmod`: an octal number, or clauses as chmod(1) takes them (`u=rwX,go=rX`, `a+x`, `g=u`); a clause without
 * a letter before its operator means everyone, whatever the umask is.
 * @throws SealError ERR_COPY_OPTION
 */
export function parseChmod(text: string): ModeChange {
	if (/^[0-7]+$/.test(text)) {
		const mode = Number.parseInt(text, 8);
		if (mode > 0o7777) throw invalid(text);
		return () => mode;
	}
	const clauses = text.split(',').map(clause => parseClause(clause, text));
	return (mode, isDirectory) => clauses.reduce((current, change) => change(current, isDirectory), mode);
}

const clauseForm = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/;
const operationForm = /([-+=])([rwxXst]*|[ugo])(?=[-+=]|$)/g;

function parseClause(clause: string, text: string): ModeChange {
	const parts = clauseForm.exec(clause);
	if (parts === null) throw invalid(text);
	const who = parts[1] === '' || parts[1]!.includes('a') ? 'ugo' : parts[1]!;
	const operations = [...parts[2]!.matchAll(operationForm)].map(match => changeOf(who, match[1]!, match[2]!));
	return (mode, isDirectory) => operations.reduce((current, change) => change(current, isDirectory), mode);
}

const shifts: Readonly<Record<string, number>> = {u: 6, g: 3, o: 0};

function changeOf(who: string, operator: string, permissions: string): ModeChange {
	return (mode, isDirectory) => {
		let bits = 0;
		let affected = 0;
		for (const letter of who) {
			const shift = shifts[letter]!;
			affected |= 0o7 << shift;
			bits |= permissionBits(permissions, mode, isDirectory) << shift;
			if (letter === 'u') affected |= 0o4000;
			if (letter === 'g') affected |= 0o2000;
			if (permissions.includes('s') && letter === 'u') bits |= 0o4000;
			if (permissions.includes('s') && letter === 'g') bits |= 0o2000;
		}
		if (who === 'ugo') affected |= 0o1000;
		if (permissions.includes('t') && who === 'ugo') bits |= 0o1000;
		if (operator === '+') return mode | bits;
		if (operator === '-') return mode & ~bits;
		return (mode & ~affected) | bits;
	};
}

function permissionBits(permissions: string, mode: number, isDirectory: boolean): number {
	const copied = shifts[permissions];
	if (copied !== undefined) return (mode >> copied) & 0o7;
	let bits = 0;
	if (permissions.includes('r')) bits |= 0o4;
	if (permissions.includes('w')) bits |= 0o2;
	if (permissions.includes('x')) bits |= 0o1;
	if (permissions.includes('X') && (isDirectory || (mode & 0o111) !== 0)) bits |= 0o1;
	return bits;
}

function invalid(text: string): SealError {
	return new SealError(
		'ERR_COPY_OPTION',
		`Invalid chmod parameter ${JSON.stringify(text)}: it should be an octal string and between 0 and 07777, or symbolic`,
		{hint: 'Write a mode such as 0755 or u=rwX,go=rX.', details: {chmod: text}},
	);
}
