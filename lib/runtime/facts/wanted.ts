/** What the facts are asked to look for: plain lists, so that callers with other needs bring their own. */
export interface Wanted {
	/** Folders whose file system and free space matter. */
	readonly paths: readonly string[];
	readonly modules: readonly string[];
	readonly commands: readonly string[];
	/** Commands whose `--version` is asked for; the others are only looked up. */
	readonly versions: readonly string[];
	/** systemd units, with `.service`. */
	readonly services: readonly string[];
	readonly sockets: readonly string[];
	/** Files and folders whose presence matters. */
	readonly present: readonly string[];
	/** With dots: `net.ipv4.ip_forward`. */
	readonly sysctls: readonly string[];
}
