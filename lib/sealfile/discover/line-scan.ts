import type {ImageMention} from './image-walk.js';

const imageLine = /(?:^|[\s{,"'-])["']?image["']?\s*:\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#,}"'][^\s,}]*)/g;

/** The values of `image:` in a text that is not YAML (yet): quoted or plain, also inside `{...}`; comment lines are left out. */
export function scanLines(text: string): ImageMention[] {
	const mentions: ImageMention[] = [];
	for (const [index, line] of text.split('\n').entries()) {
		if (/^\s*#/.test(line) || line.length > maxLineLength) continue;
		for (const [, value = ''] of line.matchAll(imageLine)) {
			const bare = value.replace(/^(["'])(.*)\1$/, '$2').trim();
			if (bare !== '') mentions.push({text: bare, line: index + 1, sure: 'certain'});
		}
	}
	return mentions;
}

/** Longer lines hold minified data, not manifests that people write. */
const maxLineLength = 10_000;
