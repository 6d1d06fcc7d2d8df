/** What hosts are judged by. Everything has a default; nothing here knows what the hosts are for but these lists. */
export interface PreflightOptions {
	/** The roles of each host, by its name in reports. A host without an entry has none, and only what all need is asked of it. */
	readonly roles?: Readonly<Record<string, readonly string[]>> | undefined;
	/** What a host of a role needs, beside what all need. A role without an entry needs nothing more. */
	readonly needs?: Readonly<Record<string, HostNeeds>> | undefined;
	/** What every host needs, in place of the default. */
	readonly common?: HostNeeds | undefined;
	/** Networks that the cluster will use inside, in CIDR form, by what they are for: `pods`, `services`, `virtual`. */
	readonly networks?: Readonly<Record<string, readonly string[]>> | undefined;
	/** The platforms that the images are there for: `linux/amd64`. Absent: not judged. */
	readonly platforms?: readonly string[] | undefined;
	/** How far clocks may be apart. Default 5 s before it is an error; a warning from a tenth of that. */
	readonly maxClockSkewMs?: number | undefined;
	/** Findings that are known and accepted, by id. */
	readonly ignore?: readonly string[] | undefined;
}

/** What a host must have; absent fields ask for nothing. */
export interface HostNeeds {
	readonly cpus?: number | undefined;
	readonly memoryBytes?: number | undefined;
	/** Free space by folder. Folders on one file system share it: their needs are added. */
	readonly freeBytes?: Readonly<Record<string, number>> | undefined;
	/** Ports that must be free. */
	readonly ports?: readonly PortNeed[] | undefined;
	/** Commands that must be there. */
	readonly commands?: readonly string[] | undefined;
	/** Kernel modules that must be loaded or loadable. */
	readonly modules?: readonly string[] | undefined;
	/** Files and folders that must not be there, or be empty. */
	readonly absent?: readonly string[] | undefined;
}

export interface PortNeed {
	readonly protocol: 'tcp' | 'udp';
	readonly port: number;
	/** What it is for, as findings say it. */
	readonly use: string;
}
