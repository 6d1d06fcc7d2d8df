import type {ImageFile} from '../lifecycle/setting.js';
import type {WantedFile} from '../node/wish.js';
import type {RootfsFiles} from './files.js';

/** The programs of an image, at the places where a host gets them. */
export interface Programs {
	readonly files: readonly WantedFile[];
	/** Their names in /usr/bin. */
	readonly names: ReadonlySet<string>;
}

/**
 * What is in `bin/` and `cri/bin/`, and loose in `cri/`, goes to /usr/bin; `opt/cni/bin` to /opt/cni/bin. Archives are left to the
 * hooks of the image, as is what these install by themselves.
 * @param staged the folder of the working copy on the host
 */
export function programsOf(rootfs: RootfsFiles, staged: string): Programs {
	const byFolder = known.get(rootfs) ?? new Map<string, Programs>();
	const found = byFolder.get(staged) ?? findPrograms(rootfs, staged);
	known.set(rootfs, byFolder.set(staged, found));
	return found;
}

/** Thousands of hosts share the files of a rootfs. */
const known = new WeakMap<RootfsFiles, Map<string, Programs>>();

function findPrograms(rootfs: RootfsFiles, staged: string): Programs {
	const main = new Map<string, ImageFile>([
		...[...rootfs.filesIn('cri')].filter(([name, file]) => isLooseProgram(name, file)),
		...rootfs.filesIn('cri/bin'),
		...rootfs.filesIn('bin'),
	]);
	const plugins = rootfs.filesIn('opt/cni/bin');
	const place = (folder: string, programs: ReadonlyMap<string, ImageFile>): readonly WantedFile[] =>
		[...programs]
			.filter(([name]) => isPlainName(name))
			.map(([name, {path}]) => ({
				path: `${folder}/${name}`,
				// Contexts of builds on other systems know no mode for programs.
				content: {kind: 'copy', from: `${staged}/${path}`, mode: 0o755},
			}));
	const files = [...place('/usr/bin', main), ...place('/opt/cni/bin', plugins)];
	return {
		files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
		names: new Set([...main.keys()].filter(isPlainName)),
	};
}

/** What sealos has beside the archives of the runtime belongs to its own registry. */
const hooksOwn: ReadonlySet<string> = new Set(['registry', 'image-cri-shim']);

function isLooseProgram(name: string, {mode, sizeBytes}: ImageFile): boolean {
	return (
		(mode & 0o111) !== 0 &&
		sizeBytes > 0 &&
		!hooksOwn.has(name) &&
		!/\.(?:tar|tgz|gz|bz2|xz|zst|zip|sh|md|txt)$/.test(name)
	);
}

/** A template, a hidden file or a name with blanks is no program. */
function isPlainName(name: string): boolean {
	return /^[A-Za-z0-9][\w.+-]{0,100}$/.test(name) && !/\.(?:tmpl|tpl|md|txt)$/.test(name);
}
