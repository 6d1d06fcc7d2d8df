import type {Form} from '../../../lib/lb/table.js';

/** A node, on which balancer and clients run, and three servers. */
export const serverNames = ['a', 'b', 'c'] as const;
export type ServerName = (typeof serverNames)[number];
export type Place = 'node' | ServerName;
export type Program = 'server' | 'traffic' | 'daemon' | 'prober';

/** Where a scene is set: lab hosts, or network namespaces of this machine. */
export interface Site {
	readonly form: Form;
	readonly virtual: string;
	readonly addresses: Readonly<Record<ServerName, string>>;
	/** The folder of a place, for files of its programs. */
	folder(place: Place): string;
	/** Runs a shell line at a place. @returns its stdout */
	run(place: Place, line: string, input?: string): string;
	/** Starts a program as a service: it is started again when it dies. The balancer prepares the node before. */
	start(place: Place, program: Program, args: readonly string[], onLine?: (line: string) => void): void;
	signal(place: Place, program: Program, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGUSR2'): void;
	stop(place: Place, program: Program): void;
	pid(place: Place, program: Program): number;
	/** Puts another version of the balancer in place of the one that runs, and restarts it in order. */
	upgrade(): Promise<void>;
	/** Nothing is flushed, no connection is closed. */
	cutPower(server: ServerName): void;
	/** The server's program does not run yet when this resolves. */
	restorePower(server: ServerName): Promise<void>;
	/** Pulls the cable out, or puts it back: packets vanish, nobody is told. */
	cable(server: ServerName, state: 'in' | 'out'): void;
	/** Takes everything out of the table that the balancer writes to, as somebody else would. @returns when, on the node's clock */
	flush(): number;
	/** Makes so many services of somebody else in that table; 0 takes them out again. */
	fill(count: number): void;
	/** What is in the table that is not ours, as one text. */
	others(): string;
	close(): Promise<void>;
}
