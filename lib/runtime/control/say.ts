import {emit, type Observable} from '../../core/events.js';

/** Puts lines into the output of an action, as those of the programs that it runs. */
export function say(options: Observable, id: string, lines: readonly string[]): void {
	if (lines.length === 0) return;
	emit(options, {type: 'command.output', id, stream: 'stdout', text: `${lines.map(visible).join('\n')}\n`});
}

/** A line of text from a host as it may be shown: without control characters, bounded, and without what lets somebody in. */
export function visible(line: string): string {
	const text = line
		.slice(0, maxLineChars)
		.replaceAll(colour, '')
		.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
	return text.replaceAll(bootstrapToken, '[secret]').replaceAll(certificateKey, '$1[secret]');
}

const maxLineChars = 2000;
/** kubeadm paints what it finds of the system, terminal or not. */
const colour = /\u001b\[[\d;]{0,20}m/g;
/** As kubeadm makes them: six and sixteen characters. */
const bootstrapToken = /\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g;
const certificateKey = /(certificate[- ]key[ :=]+)[0-9a-f]{64}\b/gi;
