import * as nodeModule from 'node:module';
import {join} from 'node:path';
import type {Io} from './io.js';

/**
 * Lets Node keep the compiled form of the commands that are loaded from here on, where it can (22.1 and newer): the next start need not
 * compile them. The folder is the user's own, never one that others can write to. Node checks what it reads and survives what is damaged.
 */
export function keepCompiledCode({env, home}: Pick<Io, 'env' | 'home'>): void {
	const enable = (nodeModule as {enableCompileCache?: (folder: string) => unknown}).enableCompileCache;
	enable?.(join(env.XDG_CACHE_HOME || join(home, '.cache'), 'sealimage', 'compiled'));
}
