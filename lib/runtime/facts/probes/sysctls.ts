import {quoteAll} from '../../transport/quote.js';
import type {Probe} from '../probe.js';
import type {Wanted} from '../wanted.js';

/** Settings of the running kernel. */
export const sysctlsProbe: Probe<Readonly<Record<string, string>>> = {
	script: wanted => `want ${quoteAll(wanted.sysctls.map(pathOf))}`,
	read: (answers, wanted: Wanted) =>
		Object.fromEntries(
			wanted.sysctls.flatMap(name => {
				const value = answers.line(pathOf(name));
				return value === undefined ? [] : [[name, value] as const];
			}),
		),
};

/** As sysctl(8): dots are slashes, and a slash stands for a dot in the name of an interface. */
function pathOf(name: string): string {
	return `/proc/sys/${name.replace(/[./]/g, separator => (separator === '.' ? '/' : '.'))}`;
}
