const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** distribution-spec, "Pulling manifests", and the 255 characters beyond which clients refuse a name. */
export function isRepositoryName(name: string): boolean {
	return name.length <= 255 && repositoryPattern.test(name);
}

/** distribution-spec, "Pulling manifests". */
export function isTagName(tag: string): boolean {
	return tagPattern.test(tag);
}
