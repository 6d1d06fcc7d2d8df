// What is used of an optional package: where it could not be compiled, its own types are missing too, and everything else must build.

declare module 'node-pty' {
	interface PtyProcess {
		onData(listener: (chunk: string) => void): unknown;
		onExit(listener: (exit: {readonly exitCode: number; readonly signal?: number}) => void): unknown;
		write(data: string | Buffer): void;
		resize(columns: number, rows: number): void;
		pause(): void;
		resume(): void;
		kill(signal?: string): void;
	}

	interface PtyOptions {
		readonly name: string;
		readonly cols: number;
		readonly rows: number;
		readonly cwd?: string;
		readonly env?: Readonly<Record<string, string | undefined>>;
		readonly encoding?: string | null;
	}

	export function spawn(file: string, argv: readonly string[], options: PtyOptions): PtyProcess;
}
