import type {Abortable} from '../../core/events.js';

/** Runs `helm` with arguments. Rejects only when it cannot be started or is aborted. */
export interface HelmCommand {
	run(argv: readonly string[], options: Abortable & {readonly cwd: string}): Promise<HelmResult>;
	/** An existing folder for temporary chart folders. */
	readonly tempDir: string;
}

export interface HelmResult {
	readonly exitCode: number;
	readonly stdout: string;
	readonly stderr: string;
}
