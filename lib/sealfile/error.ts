import {SealError} from '../core/errors.js';
import type {Diagnostic} from './diagnostic.js';

/** A Sealfile that cannot be built. Carries every diagnostic found, warnings included, for a renderer to show. */
export class SealfileError extends SealError {
	readonly diagnostics: readonly Diagnostic[];

	/** @param diagnostics at least one of them an error; the first error becomes the message */
	constructor(diagnostics: readonly Diagnostic[]) {
		const errors = diagnostics.filter(diagnostic => diagnostic.severity === 'error');
		const first = errors[0] ?? diagnostics[0];
		const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
		const place = first === undefined ? '' : `${first.file}:${first.range.startLine}:${first.range.startColumn}: `;
		super('ERR_SEALFILE', `${place}${first?.message ?? 'The Sealfile has errors'}${more}`, {
			hint: first?.hint,
			details: {diagnostics},
		});
		this.diagnostics = diagnostics;
	}
}

/** Throws a SealfileError when one of the diagnostics is an error. */
export function refuseErrors(diagnostics: readonly Diagnostic[]): void {
	if (diagnostics.some(diagnostic => diagnostic.severity === 'error')) throw new SealfileError(diagnostics);
}
