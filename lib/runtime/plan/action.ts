/**
 * One step of a plan, as data: what it does is found by its `kind`, with what is in `input`. So a plan can be shown, kept
 * in a file, and done later; and the same function makes it whether hosts are real or played.
 */
export interface PlannedAction<Kind extends string = string, Input = unknown> {
	/** Unique in its plan, and the same whenever the plan is made from the same state: `kubeadm-join/10.0.0.2`. */
	readonly id: string;
	readonly kind: Kind;
	/** The name of the host that it changes; absent for what concerns the cluster as a whole. */
	readonly host?: string | undefined;
	/** What people see it as a part of: `prepare hosts`. Phases are shown in the order of their first actions. */
	readonly phase: string;
	/** An order, for people: `write /etc/containerd/config.toml`. */
	readonly title: string;
	/** The actions that must be done before it begins. */
	readonly needs: readonly string[];
	/** What is lost by it, for people, when something is: `the data of etcd`. Such actions are asked for. */
	readonly destroys?: string | undefined;
	/** What goes over the network for it. */
	readonly bytes?: number | undefined;
	/** Of the actions in one lane only as many run at once as the lane is wide. */
	readonly lane?: string | undefined;
	/** JSON-safe, and free of secrets: they are looked up when the action is done. */
	readonly input: Input;
}
