import type {BuildPlan, StepPlan} from '../../lib/sealfile/build/plan.js';
import type {Style} from './style.js';
import {renderTree} from './tree.js';
import {count} from './units.js';

/** What a build would do, as a tree: platforms, their stages, the steps of each with what becomes of them. */
export function renderPlan(plan: BuildPlan, style: Style): string {
	return renderTree(
		{
			text: plan.file,
			note: '',
			children: plan.platforms.map(({platform, stages, images}) => ({
				text: platform,
				note: images.length > 0 ? `${count(images.length, 'image')} to embed` : '',
				children: [
					...stages.map(stage => ({
						text: `stage ${stage.name ?? stage.index} from ${stage.base}`,
						note: stage.platform === platform ? '' : stage.platform,
						children: stage.steps.map(step => ({text: step.title, note: noteOf(step), children: []})),
					})),
					...images.map(image => ({text: `embed ${image.reference}`, note: '', children: []})),
				],
			})),
		},
		style,
	);
}

function noteOf({outcome, line}: StepPlan): string {
	return outcome === 'metadata' ? `line ${line}` : `line ${line}, ${outcome}`;
}
