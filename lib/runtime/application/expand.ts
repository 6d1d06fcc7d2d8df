type Variables = Readonly<Record<string, string>>;

/**
 * `$(NAME)` replaced as Kubernetes does it in `command` and `args` of a container: `$$` is a dollar sign, so `$$(NAME)` stays as
 * `$(NAME)`; a name that is not known stays as it is written. What is put in is not looked at again.
 */
export function expandReferences(text: string, variables: Variables): string {
	return text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (whole: string, name: string | undefined) => {
		if (name === undefined) return '$';
		return Object.hasOwn(variables, name) ? (variables[name] as string) : whole;
	});
}

/**
 * `$NAME` and `${NAME}` replaced, whole names only: `$FOO` is no part of `$FOOBAR`. A name that is not known stays as it is written. For
 * labels that no shell reads, as `vip`; a shell does this by itself.
 */
export function expandLabel(text: string, variables: Variables): string {
	return text.replaceAll(
		/\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g,
		(whole: string, braced: string | undefined, bare: string) => {
			const name = braced ?? bare;
			return Object.hasOwn(variables, name) ? (variables[name] as string) : whole;
		},
	);
}

/** Names of variables that `expandReferences` puts into a text although a shell would act on what is in them. */
export function perilousReferences(text: string, variables: Variables): readonly string[] {
	const names = new Set<string>();
	for (const [, name] of text.matchAll(/\$(?:\$|\(([^)]*)\))/g)) {
		if (name === undefined || !Object.hasOwn(variables, name)) continue;
		if (!/^[\w@%+=:,./ -]*$/.test(variables[name] as string)) names.add(name);
	}
	return [...names];
}
