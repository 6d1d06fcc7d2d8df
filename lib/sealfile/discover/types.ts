/** Where an image reference was found. */
export interface FoundPlace {
	/** Path in the image, `charts/x/templates/y.yaml`; for a rendered chart the chart's path. */
	readonly path: string;
	/** Counts from 1. */
	readonly line?: number | undefined;
	/** What it belongs to: `Deployment/web`, `chart ingress-nginx`. */
	readonly detail?: string | undefined;
	/** The field need not hold an image (a flag or variable with "image" in its name). */
	readonly likely?: true;
}

export interface FoundImage {
	/** As written at the first place. */
	readonly reference: string;
	/** Normalised: the one key of an image (oci/reference.ts). */
	readonly name: string;
	/** In order of path and line. */
	readonly foundIn: readonly FoundPlace[];
}

/** A line of `images/skopeo/tar.txt`: an archive inside the image that holds a container image. */
export interface FoundArchive {
	readonly transport: 'docker-archive' | 'oci-archive';
	/** Path of the archive in the image. */
	readonly path: string;
	/** Normalised name under which it is embedded; it is also in `images`. */
	readonly name: string;
	readonly foundIn: FoundPlace;
}

/** A chart and how its images were found. */
export interface FoundChart {
	readonly name: string;
	readonly path: string;
	readonly read: 'helm' | 'values';
}

export interface DiscoveryWarning {
	readonly code:
		| 'ImageReferenceInvalid'
		| 'ImageReferenceTemplate'
		| 'ManifestUnreadable'
		| 'ChartNotRendered'
		| 'ChartUnreadable'
		| 'FileTooLarge'
		| 'ImageFieldInvalid';
	readonly message: string;
	readonly hint?: string | undefined;
	/** Path in the image; empty for what is no file. */
	readonly file: string;
	readonly line?: number | undefined;
}

export interface Discovery {
	/** Sorted by name. */
	readonly images: readonly FoundImage[];
	readonly archives: readonly FoundArchive[];
	/** Excluded by `.sealignore`, sorted by name. */
	readonly excluded: readonly FoundImage[];
	readonly charts: readonly FoundChart[];
	readonly warnings: readonly DiscoveryWarning[];
}
