import type koffi from 'koffi';

/** Calls functions of shared libraries. */
export type Foreign = typeof koffi;

/** Loads the native part; it is there for Linux on amd64 and arm64. Rejects with what the loader says. */
export async function loadForeign(): Promise<Foreign> {
	return (await import('koffi')).default;
}
