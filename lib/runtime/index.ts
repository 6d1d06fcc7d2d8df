export type {AgentProcessOptions} from './agent/agent-process.js';
export {type AgentInstaller, type AgentInstallerOptions, createAgentInstaller} from './agent/bootstrap.js';
export {type AgentBundle, agentPlatforms, type BundleOptions, openBundle, writeBundle} from './agent/bundle/bundle.js';
export {bundleFromImages, type ImageBundleOptions} from './agent/bundle/from-image.js';
export {openAgent} from './agent/connection.js';
export {type EnsureOptions, ensureAgent} from './agent/ensure.js';
export {type Installed, type InstallOptions, installAgent} from './agent/install/install.js';
export {type RemoveOptions, removeAgent} from './agent/install/remove.js';
export {type AgentStatus, agentStatus} from './agent/install/status.js';
export {installAgents} from './agent/install-agents.js';
export type {AgentConnection, AgentIdentity} from './agent/protocol.js';
export {type RunVerbOptions, runAgentVerb} from './agent/run-verb.js';
export {rememberWorkloads, waitForBrought} from './application/brought.js';
export {environmentOf} from './application/environment.js';
export {expandLabel, expandReferences} from './application/expand.js';
export {type ApplicationOptions, createApplicationPerformer} from './application/perform.js';
export type {PodReport} from './application/pod-report.js';
export {type ClusterImageSource, type ReadClusterImageOptions, readClusterImage} from './application/read-image.js';
export {type WaitForWorkloadsOptions, waitForWorkloads} from './application/wait.js';
export {type BalanceChanges, type BalanceRunOptions, installBalancers, removeBalancers} from './balance/install.js';
export type {BalanceWish} from './balance/plan.js';
export {type BalanceStatus, balancerStatus} from './balance/status.js';
export {type Clusterfile, type ClusterfileHosts, readClusterfile, readConfigs} from './cluster/clusterfile.js';
export {applyConfig, type ConfigDocument, type ConfigStrategy} from './cluster/config-document.js';
export {printClusterfile} from './cluster/print-clusterfile.js';
export type {
	BlobQuery,
	BlobState,
	GcReport,
	HostContent,
	HostImage,
	UnpackedImage,
	UnpackRequest,
	VerifyReport,
} from './content/content.js';
export {type HostContentOptions, openHostContent} from './content/open.js';
export {type BlobParts, type Part, partBytes} from './content/part.js';
export {type AskedMaster, type Kubectl, type KubectlOptions, kubectlOn} from './control/kubectl.js';
export {type Distributed, distribute, type HostDistributed} from './distribute/distribute.js';
export {type HostPreview, type Preview, previewDistribution} from './distribute/preview.js';
export type {DistributeOptions} from './distribute/run.js';
export type {HostFacts} from './facts/facts.js';
export {type GatherOptions, gatherFacts} from './facts/gather.js';
export type {Wanted} from './facts/wanted.js';
export {type AskSecret, askWhenRefused, type LoginSecret} from './host/asking.js';
export {type ClusterfileOptions, parseClusterfile} from './host/clusterfile.js';
export {type EachHostOptions, eachHost, type HostOutcome} from './host/each.js';
export {HostError} from './host/error.js';
export {type ExecOnHostsOptions, execOnHosts, type OutputStream} from './host/exec.js';
export {HostsError} from './host/hosts-error.js';
export {type ListedHost, parseHostList, resolveHosts, withRoles} from './host/list.js';
export {onHosts} from './host/on-hosts.js';
export type {HostLogin, HostTarget, Identity} from './host/target.js';
export type {DocumentKind, KubeadmDocument} from './kubeadm/document.js';
export {
	initDocuments,
	type JoinDiscovery,
	joinDocuments,
	type KubeadmCluster,
	type KubeadmNode,
} from './kubeadm/documents.js';
export {type KubeadmApi, type MinorFacts, minorFacts} from './kubeadm/minors.js';
export {type ClusterNetwork, type NetworkOptions, readNetwork} from './kubeadm/network.js';
export {type KubernetesVersion, parseKubernetesVersion} from './kubeadm/version.js';
export type {ActionInputs, ActionKind, ClusterAction} from './lifecycle/actions.js';
export {checkRequest, refuseProblems} from './lifecycle/check.js';
export {FindingsError} from './lifecycle/findings-error.js';
export {isRecorded, keyOf} from './lifecycle/key.js';
export {addHosts, applyPlan, deleteHosts, resetCluster, runCluster} from './lifecycle/operate.js';
export type {
	AddHostsRequest,
	AgentSource,
	LeaveRequest,
	NamedHost,
	OperateOptions,
	RunRequest,
} from './lifecycle/operate-request.js';
export type {Operated, OperatedEnd, Proposal, RestoredHost} from './lifecycle/operated.js';
export {planCluster} from './lifecycle/plan.js';
export {type PlanFile, parsePlanFile, planFileOf} from './lifecycle/plan-file.js';
export {clusterLanes} from './lifecycle/plan-joins.js';
export type {Problem} from './lifecycle/problem.js';
export type {ClusterVerb, PlanRequest, PlanWishes} from './lifecycle/request.js';
export type {ClusterImage, ClusterSetting, ImageFile, SettingHost} from './lifecycle/setting.js';
export {type MirrorConfig, type NetworkConfig, parseMirrorConfig} from './mirror/config.js';
export {installMirrors, type MirrorChanges, type MirrorRunOptions, removeMirrors} from './mirror/install.js';
export {type MirrorHealth, type Probe, probeMirror} from './mirror/probe.js';
export {type Mirror, serveMirror} from './mirror/serve.js';
export type {MirrorPlanOptions} from './mirror/setting.js';
export {type MirrorStatus, mirrorStatus} from './mirror/status.js';
export type {FileContent, NodeWish, WantedFile, WantedUnit} from './node/wish.js';
export {
	type AuthorityRequest,
	type Circumstances,
	createAuthority,
	issueLeaf,
	type KeyPair,
	type LeafRequest,
} from './pki/authority.js';
export {
	type CheckOptions,
	checkHostCertificates,
	type HostCertificates,
	type JudgeOptions,
	judgeCertificates,
} from './pki/check/check.js';
export type {TlsEndpoint} from './pki/check/endpoints.js';
export type {ObservedCertificates} from './pki/check/observe.js';
export type {ChainState, CheckedCertificate} from './pki/check/row.js';
export type {Served} from './pki/check/served.js';
export {balancerAccess} from './pki/cluster/access.js';
export {
	type FoundFiles,
	type PkiCircumstances,
	type ServiceAccountKeys,
	type SharedOptions,
	type SharedPki,
	sharedPki,
} from './pki/cluster/authorities.js';
export {
	type ClusterHost,
	describeCluster,
	type PkiCluster,
	type PkiClusterSpec,
	type PkiHost,
} from './pki/cluster/description.js';
export {type ClusterAuthority, type GivenAuthority, readAuthority} from './pki/cluster/given-authority.js';
export {certSans, endpointUrl, itemsOf, localUrl, type PkiForm, type PkiItem} from './pki/cluster/items.js';
export {type ComponentFlag, type LifetimeSettings, lifetimeSettings} from './pki/cluster/lifetimes.js';
export type {AuthorityId, PairPlaces} from './pki/cluster/places.js';
export {type HostPki, type PkiDecision, type PkiFile, planPki} from './pki/cluster/plan.js';
export type {KeyPurpose} from './pki/extensions.js';
export {type LeafDemands, leafProblem} from './pki/judge.js';
export {generateKey, type KeyAlgorithm} from './pki/keys.js';
export type {Subject} from './pki/subject.js';
export type {PlannedAction} from './plan/action.js';
export {type ActionOutcome, type PerformOptions, perform} from './plan/perform.js';
export {makePlan, type Plan, parsePlan} from './plan/plan.js';
export type {CheckTopic} from './preflight/check.js';
export {preflightTopics} from './preflight/checks.js';
export type {HostFinding} from './preflight/finding.js';
export {commonNeeds, defaultNeeds, type HostNeeds, type PortNeed, type PreflightOptions} from './preflight/options.js';
export {preflight} from './preflight/preflight.js';
export {kubernetesFindings} from './rootfs/preflight.js';
export {stageDigest} from './rootfs/sources.js';
export {kubernetesWish, wishDigest} from './rootfs/wish.js';
export {type Scenario, type Simulated, simulateDistribution} from './simulate/simulate.js';
export {type ClusterCache, type KnownCluster, openClusterCache} from './state/cache.js';
export type {ClusterState, HostReach} from './state/cluster-state.js';
export {findState, type ImportedState, importState} from './state/find.js';
export type {LockOwner} from './state/host-lock.js';
export type {HostKubernetes, HostMember, HostState, ObservedImage} from './state/host-state.js';
export type {JournalEntry} from './state/journal.js';
export {type AdminAccess, kubeconfigOf, mergeKubeconfig, readAdminAccess} from './state/kubeconfig.js';
export {askCluster, type LiveCluster, type LiveNode} from './state/live.js';
export {newestState, type Witness} from './state/newest.js';
export {type ObserveOptions, observeHosts} from './state/observe.js';
export {performNoted} from './state/perform-noted.js';
export {type OpenedRun, type OpenRunOptions, openRun} from './state/run.js';
export {listRunLogs, openRunLog, type RunLog, type RunLogOptions, readRunLog} from './state/run-log.js';
export {type ApplicationStatus, type ClusterStatus, type HostStatus, isWell, judgeCluster} from './state/status.js';
export {createToken, type JoinToken} from './state/token.js';
export {templateFunctions} from './template/functions.js';
export {renderTemplate, type TemplateFunctions} from './template/render.js';
export {type ExecOptions, type ExecResult, exec, execOk} from './transport/exec.js';
export {
	type DownloadOptions,
	type DownloadReport,
	downloadFile,
	type UploadOptions,
	type UploadReport,
	type UploadSource,
	uploadFile,
} from './transport/files.js';
export {createLocalTransport, type LocalOptions} from './transport/local/local.js';
export {openTransport} from './transport/open.js';
export type {HostKeyPolicy, OpenTransportOptions, Operator} from './transport/ssh/options.js';
export type {
	ExitStatus,
	OpenTransport,
	RemoteProcess,
	RemoteSignal,
	SpawnOptions,
	Terminal,
	Transport,
} from './transport/transport.js';
export {
	type DownloadTreeOptions,
	downloadTree,
	type TreeReport,
	type UploadTreeOptions,
	uploadTree,
} from './transport/trees.js';
