import {hasCode, type SealError} from '../../core/errors.js';
import {parseYamlNodes, type YamlNode} from '../../core/yaml.js';
import type {ImageField} from './image-fields.js';
import {type ImageMention, walkImages} from './image-walk.js';
import {scanLines} from './line-scan.js';
import {flattenTemplate, resolveTemplate, unresolvedMark} from './template.js';
import type {TemplateData} from './template-expression.js';

export interface ManifestOptions {
	/** The text is a Go template: actions are resolved as far as possible before anything is parsed. */
	readonly template: boolean;
	readonly data: TemplateData;
	readonly fields?: readonly ImageField[];
	readonly defaultTag?: string | undefined;
}

export interface ManifestReport {
	/** A reference without template actions; `text` is clean. */
	mention(mention: ImageMention): void;
	/** A reference that depends on what is not known before run time. */
	dynamic(text: string, line: number): void;
	/** A document that is no YAML; its `image:` lines were read all the same. */
	unreadable(line: number, reason: string): void;
}

/** Texts in texts in texts are followed this deep. */
const maxNesting = 2;

/** Reads every document of a manifest; a broken document does not hide the others. */
export function readManifest(text: string, options: ManifestOptions, report: ManifestReport): void {
	readText(text.replace(/^\uFEFF/, ''), 0, 0, options, report, undefined);
}

function readText(
	text: string,
	lineOffset: number,
	nesting: number,
	options: ManifestOptions,
	report: ManifestReport,
	outer: string | undefined,
): void {
	const source = text.split('\n');
	const isTemplate = options.template || /image["']?\s*:\s*["']?\{\{/.test(text);
	const clean = isTemplate ? flattenTemplate(text, options.data) : text;
	const tell = (mention: ImageMention, line: number): void => {
		const detail = mention.detail ?? outer;
		const resolved = mention.text.includes('{{') ? resolveTemplate(mention.text, options.data) : mention.text;
		if (resolved === undefined || resolved.includes(unresolvedMark)) {
			if (mention.sure === 'certain') report.dynamic((source[line - lineOffset - 1] ?? mention.text).trim(), line);
		} else report.mention({...mention, text: resolved, line, detail});
	};
	for (const {part, line: start} of splitDocuments(clean)) {
		// Most documents of large bundles have no images; parsing them is most of the work.
		if (!/image|repository|newTag/i.test(part) && (options.fields ?? []).length === 0) continue;
		const offset = lineOffset + start;
		const parsed = parsePart(part);
		if ('documents' in parsed) {
			const nested = (inner: string, line: number, detail: string | undefined): void => {
				if (nesting < maxNesting) readText(inner, line + offset - 1, nesting + 1, options, report, detail);
			};
			for (const document of parsed.documents)
				walkImages(document, {...options, nested}, mention => tell(mention, (mention.line ?? 1) + offset));
			continue;
		}
		// A text inside a ConfigMap need not be YAML at all, and a template often is not.
		if (nesting === 0 && !isTemplate) report.unreadable(parsed.line + offset, parsed.reason);
		for (const mention of scanLines(part)) tell(mention, (mention.line ?? 1) + offset);
	}
}

function parsePart(part: string): {documents: readonly YamlNode[]} | {line: number; reason: string} {
	try {
		return {documents: parseYamlNodes(part)};
	} catch (error) {
		if (!hasCode(error, 'ERR_YAML')) throw error;
		const {details, message} = error as SealError;
		return {line: typeof details.line === 'number' ? details.line : 1, reason: message.replace(/^.*?YAML: /s, '')};
	}
}

/** `---` at the start of a line always ends a document, even inside a block text; `line` counts the lines before the part. */
function splitDocuments(text: string): Array<{part: string; line: number}> {
	const parts: Array<{part: string; line: number}> = [];
	let current: string[] = [];
	let start = 0;
	for (const [index, line] of text.split('\n').entries()) {
		if (/^---(?:\s|$)/.test(line) && current.some(before => !/^(?:\s*(?:#.*)?|%.*)$/.test(before))) {
			parts.push({part: current.join('\n'), line: start});
			current = [];
			start = index;
		}
		current.push(line);
	}
	parts.push({part: current.join('\n'), line: start});
	return parts;
}
