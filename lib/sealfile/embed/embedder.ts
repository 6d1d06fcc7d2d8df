import type {OperationOptions} from '../../core/events.js';
import type {BlobFiles, ImageSource} from '../../oci/content.js';
import type {EmbedImage, EmbedLayer, EmbedPlan} from '../../oci/embedded.js';
import type {LayerEntry} from '../../oci/entry.js';
import type {TreeFiles} from '../../oci/tree/files.js';

/**
 * How container images become files of a cluster image. The registry layout is knowledge of `registry`, which this folder
 * does not import: the build is given this.
 */
export interface RegistryEmbedder<Lower extends ImageSource> {
	/** The registry that the image holds already. */
	open(files: TreeFiles, options: OperationOptions): Promise<Lower>;
	/** Divides images into layers on top of it. */
	plan(
		images: readonly EmbedImage[],
		lower: Lower,
		options: OperationOptions & {readonly mtime: number},
	): Promise<EmbedPlan>;
	entries(layer: EmbedLayer, files: BlobFiles): readonly LayerEntry[];
}
