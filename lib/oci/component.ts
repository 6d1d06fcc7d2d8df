import type {Descriptor} from './descriptor.js';

/** The annotation of a layer that holds one component of a cluster image and nothing else, so that hosts can do without it. */
export const componentAnnotation = 'sealimage.io/component';

/** `registry`: files below `registry/` only; `agent`: below `opt/sealimage/`. */
export type Component = 'registry' | 'agent';

/** The descriptor of a layer with its component said. */
export function withComponent(layer: Descriptor, component: Component): Descriptor {
	return {...layer, annotations: {...layer.annotations, [componentAnnotation]: component}};
}
