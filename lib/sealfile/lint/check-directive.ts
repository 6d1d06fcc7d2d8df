/** `# check=skip=A,B;error=true;experimental=C` */
export interface CheckDirective {
	readonly skip: readonly string[];
	readonly experimental: readonly string[];
	readonly error: boolean;
	/** Parts that mean nothing. */
	readonly unknown: readonly string[];
}

/** Reads the value of the `check` directive; absent means nothing is asked for. `skip=all` skips every rule. */
export function parseCheckDirective(text = ''): CheckDirective {
	const skip: string[] = [];
	const experimental: string[] = [];
	const unknown: string[] = [];
	let error = false;
	for (const part of text.split(';').map(piece => piece.trim())) {
		if (part === '') continue;
		const at = part.indexOf('=');
		const key = part
			.slice(0, at === -1 ? undefined : at)
			.trim()
			.toLowerCase();
		const value = at === -1 ? '' : part.slice(at + 1).trim();
		const names = value
			.split(',')
			.map(name => name.trim())
			.filter(name => name !== '');
		if (key === 'skip' && names.length > 0) skip.push(...names);
		else if (key === 'experimental' && names.length > 0) experimental.push(...names);
		else if (key === 'error' && /^(true|false|1|0)$/i.test(value)) error = /^(true|1)$/i.test(value);
		else unknown.push(part);
	}
	return {skip, experimental, error, unknown};
}
