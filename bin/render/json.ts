/**
 * JSON that is safe to show: JSON itself escapes the control characters below U+0020 only, and terminals obey those from
 * U+0080 to U+009F too. The value that a reader gets back is the same.
 */
export function formatJson(value: unknown, indent?: number): string {
	const text = JSON.stringify(value, null, indent) ?? 'null';
	return text.replace(/[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
	return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
