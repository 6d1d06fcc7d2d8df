/**
 * Every error code with the sentence that documents it. `docs/errors.md` is printed from this table, and a test
 * proves that each code is raised by some test. Codes are stable: they may be added, never reused.
 */
export const errorCodes = {
	// core
	ERR_INTERNAL: 'Something that cannot happen happened: a defect of sealimage.',
	ERR_ABORTED: 'The operation was aborted by its caller.',
	ERR_USAGE: 'The command line is wrong.',
	ERR_IO: 'The operating system refused to read or write a file.',
	ERR_NO_SPACE: 'The disk is full.',
	ERR_PERMISSION: 'The operating system denied access to a file.',
	ERR_UNSAFE_PATH: 'A path from outside tries to leave the folder it belongs to.',
	ERR_TOML: 'A TOML document cannot be parsed.',
	ERR_YAML: 'A YAML document cannot be parsed.',
	ERR_NETWORK: 'A server cannot be reached, or a transfer was cut.',

	// sealfile
	ERR_SEALFILE: 'The Sealfile has errors; each is listed with its place.',
	ERR_SEALFILE_MISSING: 'No Sealfile was found, or it cannot be read.',
	ERR_CHART: 'A chart cannot be rendered.',
	ERR_IMAGE_LIST: 'A list of images to embed has lines that are no image references.',
	ERR_IMAGES_MISSING: 'Images to embed were not found, or have no variant for the platform.',
	ERR_LOCK_INVALID: 'A lock file of embedded images is damaged.',
	ERR_LOCK_MISSING: 'An image to embed is not in the lock file.',
	ERR_MERGE_CONFLICT: 'Images that are merged differ where they must agree.',
	ERR_CONTEXT: 'The build context is missing or cannot be read.',
	ERR_PATTERN: 'A wildcard pattern is malformed.',
	ERR_COPY_SOURCE: 'A source of COPY or ADD does not exist.',
	ERR_COPY_CONFLICT: 'COPY or ADD would put a folder where a file is, or the reverse.',
	ERR_COPY_OPTION: 'A flag of COPY or ADD has a value that means nothing.',
	ERR_COPY_OWNER: 'A user or group of --chown is not in the image.',
	ERR_DOWNLOAD: 'A file that ADD names by URL cannot be downloaded.',
	ERR_CHECKSUM: 'What ADD brought in does not have the checksum that was given.',
	ERR_GIT: 'A git repository that ADD names cannot be fetched.',
	ERR_RUN_FAILED: 'The command of a RUN instruction ended with an error.',
	ERR_RUN_UNAVAILABLE: 'This machine cannot run the command of a RUN instruction.',
	ERR_RUN_USER: 'The user or group of a RUN instruction is not in the image.',
	ERR_RUN_MOUNT: 'A mount of a RUN instruction cannot be made.',

	// oci
	ERR_DIGEST_INVALID: 'A string that should be a digest is none.',
	ERR_CONTENT_DIGEST: 'Content does not have the digest that its descriptor promises.',
	ERR_CONTENT_SIZE: 'Content is longer or shorter than its descriptor promises.',
	ERR_CONTENT_MISSING: 'Content that a descriptor names is not in the store.',
	ERR_MANIFEST_INVALID: 'A manifest, index or config is not what the OCI image specification allows.',
	ERR_TAR_FORMAT: 'An archive is damaged or uses a form of tar that cannot be read.',
	ERR_TAR_LIMIT: 'An archive exceeds a limit that guards against hostile input.',
	ERR_COMPRESSION: 'Compressed data is damaged, or this machine cannot read its format.',
	ERR_LAYER_ENTRY: 'A file cannot be stored in a layer.',
	ERR_SYMLINK_LOOP: 'Symbolic links of an image lead in circles.',
	ERR_NOT_REPLACED: 'What is in the way of a new archive is no archive itself, and was left alone.',
	ERR_LAYOUT_INVALID: 'A folder or archive is not an OCI image layout.',
	ERR_STORE_LOCKED: 'Another process holds the store.',
	ERR_STORE_DAMAGED: 'The store holds something that sealimage did not write.',
	ERR_IMAGE_TYPE: 'The labels of an image contradict each other about its part in a cluster.',
	ERR_IMAGE_UNKNOWN: 'No image of this name is in the store.',
	ERR_PLATFORM: 'An image has no variant for the wanted platform.',

	// registry
	ERR_ACCESS_FILE: 'A file that says who may use a registry server cannot be used.',
	ERR_CREDENTIALS: 'A file or a program that keeps logins for registries cannot be used.',
	ERR_EMBED_CONFLICT: 'Two different images claim one name in an embedded registry.',
	ERR_PLACE_INVALID: 'A string that should say where an image is says nothing of the kind.',
	ERR_REGISTRY_DIR: 'A folder is not the storage folder of a registry.',
	ERR_REFERENCE_INVALID: 'A string that should be an image reference is none.',
	ERR_SAME_PLACE: 'The source and the target of a copy are one place.',
	ERR_REGISTRY_BLOCKED: 'The configuration of this machine forbids a registry.',
	ERR_REGISTRY_CONFIG: 'The configuration of registries holds something that cannot be followed.',
	ERR_REGISTRY_HOST: 'There is no host of the name that a registry is given by.',
	ERR_REGISTRY_LIMIT: 'The registry wants us to slow down, and did so for too long.',
	ERR_REGISTRY_RESPONSE:
		'A registry answers with something that the protocol does not allow, or with an error of its own.',
	ERR_REGISTRY_TLS: 'No secure connection to a registry can be made.',
	ERR_REGISTRY_UNAUTHORIZED: 'A registry refuses access.',
	ERR_REGISTRY_UNSUPPORTED: 'A registry does not do what was asked of it, as deleting or listing.',
	ERR_UPLOAD_BUSY: 'Two requests write to one upload at the same time.',
	ERR_UPLOAD_OFFSET: 'A chunk of an upload does not begin where the former one ended.',
	ERR_UPLOAD_UNKNOWN: 'An upload has ended or never began.',
	ERR_REGISTRY_UNREACHABLE: 'A registry cannot be reached, or the connection to it broke.',
	ERR_SERVER_EXPOSED: 'A registry server would be open to everyone on the network.',
	ERR_SERVER_TLS: 'The certificate or key of a registry server cannot be used.',
	ERR_SERVER_LISTEN: 'A registry server cannot listen on the address it was given.',
	ERR_UPSTREAM_INVALID: 'The registry that a pull-through cache should copy from is malformed.',

	// runtime: hosts and lists of hosts
	ERR_CLUSTERFILE: 'A Clusterfile cannot be used to find hosts.',
	ERR_HOST_DUPLICATE: 'A list names one host several times.',
	ERR_HOST_INVALID: 'A string that should name a host is none.',
	ERR_HOST_RANGE: 'A range of hosts ends before it begins, is too long, or mixes kinds of addresses.',
	ERR_HOSTS_MISSING: 'No host was named, or none has the wanted role.',

	// runtime: transports
	ERR_COMMAND_CWD: 'The folder that a command should run in cannot be entered.',
	ERR_COMMAND_FAILED: 'A command on a host ended with an error.',
	ERR_COMMAND_INVALID: 'A command, or its environment, has a form that no host takes.',
	ERR_COMMAND_OUTPUT: 'A command on a host wrote more than was expected of it.',
	ERR_COMMAND_TIMEOUT: 'A command on a host did not end in time.',
	ERR_HOST_SHELL: 'The login shell of a host does not run commands.',
	ERR_READ_ONLY: 'A file system is mounted read-only.',
	ERR_SUDO_DENIED: 'The user may not become root on a host.',
	ERR_SUDO_FAILED: 'sudo does not work on a host.',
	ERR_SUDO_MISSING: 'The login is not root, and there is no sudo on the host.',
	ERR_SUDO_PASSWORD: 'sudo does not take the password.',
	ERR_SUDO_PASSWORD_NEEDED: 'sudo asks for a password, and none was given.',
	ERR_SUDO_TTY: 'sudo wants a terminal, and the host has no way to give it one.',
	ERR_TERMINAL: 'A command cannot be given a terminal on this machine.',
	ERR_HOST_FORWARD: 'A host does not let connections pass through it.',
	ERR_HOST_KEY_AUTHORITY: 'A host is known by a certificate authority only, which cannot be checked.',
	ERR_HOST_KEY_CHANGED: 'A host shows another key than the one it is known by.',
	ERR_HOST_KEY_REVOKED: 'A host shows a key that known_hosts revokes.',
	ERR_HOST_KEY_UNKNOWN: 'A host is not in known_hosts, and may not be added to it.',
	ERR_HOST_LOGIN: 'A host accepts none of the keys that were offered, or no way to log in that is at hand.',
	ERR_HOST_LOST: 'The connection to a host broke, or the host fell silent.',
	ERR_HOST_NAME: 'There is no address for the name of a host.',
	ERR_HOST_PASSWORD: 'A host does not accept the user with this password.',
	ERR_HOST_PASSWORD_EXPIRED: 'A host wants a new password before it lets the user in.',
	ERR_HOST_PROTOCOL: 'A host answers with something that SSH does not allow, or has no algorithm in common with us.',
	ERR_HOST_SESSION: 'A host accepts the login, but does not start commands.',
	ERR_HOST_TIMEOUT: 'A host does not answer in time.',
	ERR_HOST_UNREACHABLE: 'No connection to a host can be made: it is down, or the port is closed.',
	ERR_IDENTITY: 'A private key cannot be used.',
	ERR_IDENTITY_LOCKED: 'A private key is encrypted, and its passphrase was not given.',
	ERR_KNOWN_HOSTS: 'A file of known hosts cannot be read or written.',
	ERR_SSH_CONFIG: 'The configuration of SSH holds something that cannot be followed.',

	// runtime: facts and preflight
	ERR_CIDR: 'A string that should be a network is none.',
	ERR_FACTS: 'The answer of a host that was asked for its facts cannot be understood.',

	// runtime: the agent
	ERR_AGENT_BUNDLE: 'The files of the agent cannot be had, or are damaged.',
	ERR_AGENT_BUSY: 'Agents run on a host, and what they run from cannot be removed.',
	ERR_AGENT_FAILED: 'An agent reports an error that this version of sealimage does not know.',
	ERR_AGENT_LIBRARY: 'A host lacks a library that the agent needs.',
	ERR_AGENT_LIMIT: 'A message to or from an agent is too large, or too many are under way.',
	ERR_AGENT_LOST: 'An agent ended, or the connection to it, before it answered.',
	ERR_AGENT_MISSING: 'There is no agent on a host.',
	ERR_AGENT_PLATFORM: 'There is no agent for the platform of a host or an image.',
	ERR_AGENT_PROTOCOL: 'An agent and its operator do not understand each other.',
	ERR_AGENT_START: 'The agent of a host does not start.',
	ERR_AGENT_VERB: 'An agent does not know the verb that it is asked for.',

	// runtime: content on hosts

	// runtime: distribution
	ERR_DISTRIBUTE: 'What hosts should get, or said that they have, makes no sense.',
	ERR_RELAY: 'A host cannot get content from another host.',

	// runtime: clusters
	ERR_TEMPLATE: 'A template has a mistake, or uses a value that is not there.',
	ERR_HOOK: 'A script of an image failed on a host.',
	ERR_CONFIG_DOCUMENT: 'A Config of a Clusterfile cannot be laid over the file that it is for.',

	// runtime: applications
	ERR_APPLICATION_HOST: 'The lines of an image cannot run on a host, or the host was lost while they did.',
	ERR_APPLICATION_LINE: 'A line of ENTRYPOINT or CMD of an image ended with an error.',
	ERR_CLUSTER_IMAGE: 'An image is none that a cluster can use, or contradicts itself.',
	ERR_ENVIRONMENT: 'Variables are too long for a process, or hold what none can have.',
	ERR_ROOTFS_IMAGE: 'An image cannot be the rootfs of a cluster.',
	ERR_WORKLOADS: 'What applications brought does not become ready.',

	// runtime: kubeadm
	ERR_KUBERNETES_VERSION: 'A version of Kubernetes is none, or is not supported.',
	ERR_KUBEADM_DOCUMENT: 'A document of kubeadm has fields that are unknown, or cannot be said to this Kubernetes.',
	ERR_CLUSTER_NETWORK: 'The networks of a cluster overlap or do not fit together.',

	// runtime: what a host is made to have
	ERR_NODE_CONFLICT: 'Something on a host is in the way of a file of ours.',
	ERR_NODE_RECORD: 'The record of how a host was before it was prepared is damaged.',
	ERR_RESET: 'Something of a cluster cannot be taken off a host.',
	ERR_NODE_STEP: 'A step of preparing a host, or of putting it back, failed.',

	// runtime: the control plane
	ERR_KUBEADM: 'kubeadm refuses a host, or does not come to its end there.',
	ERR_API_SERVER: 'No API server of a cluster answers in time.',
	ERR_ETCD: 'etcd of a master cannot be asked, refuses, or answers what cannot be understood.',
	ERR_ETCD_MEMBER: 'The members of etcd are not in a state in which a master can join.',
	ERR_ETCD_QUORUM: 'A member of etcd cannot be taken out: the others would be no majority.',
	ERR_NODE_DRAIN: 'Work does not move off a node.',
	ERR_NODES_NOT_READY: 'Nodes of a cluster did not become Ready in time.',

	// runtime: plans
	ERR_PLAN: 'A plan was edited, is of another version, or makes no sense.',
	ERR_CLUSTER_REQUEST: 'Several things stand in the way of what is wanted of a cluster; each is listed.',
	ERR_ROOTFS: 'Of the images of a cluster the first must be a rootfs, and no other may be one.',
	ERR_IMAGE_TWICE: 'An image is named twice for one cluster.',
	ERR_UPGRADE: 'A cluster has another version of Kubernetes than the rootfs image that it is given.',
	ERR_VERSION_ORDER: 'A version of Kubernetes cannot follow the one that a cluster has.',
	ERR_CLUSTER_CHANGED: 'Something of a cluster cannot be changed any more once it is there.',
	ERR_HOST_ROLES: 'A host is named for two roles, or for another one than it has.',
	ERR_NODE_NAME: 'Nodes of a cluster would have one name, or a node another one than before.',
	ERR_HOST_TAKEN: 'A host belongs to another cluster, or runs a Kubernetes that sealimage did not bring.',
	ERR_HOST_CLOCK: 'The clocks of masters do not agree.',
	ERR_QUORUM: 'A change of masters would cost etcd its majority, or etcd would refuse it.',
	ERR_LAST_MASTER: 'A cluster would lose its last master.',
	ERR_CONTROL_PLANE_LOST: 'There is a cluster, and none of its masters works.',

	// runtime: the state of clusters
	ERR_CLUSTER_LOCKED: 'Another operator works on a host of the cluster.',
	ERR_CLUSTER_MEMBER: 'A host is in another cluster.',
	ERR_CLUSTER_STATE: 'What is kept of a cluster is damaged, contradicts itself, or is older than what is there.',
	ERR_CLUSTER_UNKNOWN: 'Nothing is known of a cluster: neither on this machine nor on the host that was named.',
	ERR_CLUSTER_API: 'No API server of a cluster answers, or what a master tells of its cluster cannot be understood.',
	ERR_RUN_LOG: 'There is no log of such a run.',

	// runtime: operations on clusters
	ERR_CLUSTER_ADDRESS:
		'A host has no address of a family that its cluster needs, or several and none that is the obvious one.',
	ERR_CLUSTER_HOSTS: 'Some hosts of a cluster cannot be used; each is told with its reason.',
	ERR_CLUSTER_SETTING: 'Something that has to be known of a cluster cannot be settled.',
	ERR_PREFLIGHT: 'Hosts are not fit for a cluster; each finding is listed.',

	// runtime: the registry on hosts
	ERR_CERTIFICATE: 'A certificate or its key cannot be made or used.',
	ERR_CONTAINERD_HOSTS:
		'The file that tells containerd of mirrors cannot be changed without harm to what others wrote there.',
	ERR_MIRROR_CONFIG: 'A file of the registry on a host cannot be used.',
	ERR_MIRROR_CONFLICT: 'Masters belong to different sets of registries.',
	ERR_MIRROR_INSTALL: 'A step of the installation of the registry on a host failed.',
	ERR_MIRROR_STATE: 'The answer of a host that was asked for its registry cannot be understood.',

	// runtime: the certificates of a cluster
	ERR_PKI_AUTHORITY: 'A certificate authority, or the key of service accounts, cannot be used or must not be replaced.',
	ERR_PKI_CLUSTER: 'The description of a cluster that needs certificates is not valid.',
	ERR_PKI_HOST: 'The answer of a host that was asked for its certificates cannot be understood.',

	// load balancer
	ERR_LB_CONFIG: 'The file that describes a load balancer cannot be used.',
	ERR_LB_ENDPOINTS: 'The members of a load balancer cannot be learnt from the cluster.',
	ERR_LB_INSTALL: 'A step of the installation of a load balancer on a host failed.',
	ERR_LB_STATE: 'The answer of a host that was asked for its load balancer cannot be understood.',
	ERR_LB_MEMBER: 'A member of a load balancer cannot be one.',
	ERR_LB_SCHEDULER: 'The scheduler of a load balancer is not known.',
	ERR_LB_SPEC: 'The description of a load balancer is not valid.',
	ERR_LB_ADDRESS: 'The virtual address or the node address of a load balancer does not fit the host.',
	ERR_LB_DENIED: 'What a load balancer needs to change on its host is not allowed.',
	ERR_LB_MODULE: 'The kernel of a host has no IPVS.',
	ERR_LB_PORT: "Somebody else's virtual service has the address and port of a load balancer.",
	ERR_LB_SOURCE: 'A host has no route to any member of its load balancer.',
	ERR_NFTABLES: 'The kernel refuses a change of our table of nftables.',
	ERR_ADDRESS: 'A string that should be an IP address is none.',
	ERR_NETLINK: 'The kernel cannot be spoken to over netlink, or refuses what was asked.',
	ERR_NETLINK_FAMILY: 'A kernel module that is needed is not loaded.',
	ERR_IPVS_DENIED: "The load balancer may not change the kernel's table.",
	ERR_IPVS_EXISTS: "A virtual service or member is in the kernel's table already.",
	ERR_IPVS_MEMBER_UNKNOWN: 'A member or a scheduler is not known to the kernel.',
	ERR_IPVS_REFUSED: 'The kernel refuses a change of its table of virtual services.',
	ERR_IPVS_SERVICE_UNKNOWN: "A virtual service is not in the kernel's table.",
} as const satisfies Record<`ERR_${string}`, string>;

export type ErrorCode = keyof typeof errorCodes;
