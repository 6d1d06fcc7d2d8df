export type {PartsPolicy} from './client/download.js';
export {openRegistry, type Registry, type RegistryOptions} from './client/registry.js';
export type {Repository} from './client/repository.js';
export {openUploadJournal, type UploadJournal, type UploadKey, type UploadRecord} from './client/upload-journal.js';
export {embedEntries} from './embed/layer.js';
export {
	blobFile,
	embeddedRepository,
	layerLink,
	plainRepository,
	registryRoot,
	repositoryFolder,
	revisionLink,
	tagIndexLink,
	tagLink,
} from './embed/layout.js';
export {emptyRegistry, type LowerRegistry} from './embed/lower.js';
export {type EmbeddedRegistry, openEmbedded} from './embed/open-embedded.js';
export {type PlanEmbedOptions, planEmbed} from './embed/plan.js';
export {RegistryError, type RegistryErrorItem} from './exchange/error.js';
export type {Endpoint, EndpointUse, HostResolver} from './hosts/endpoint.js';
export {type HostsOptions, openHosts} from './hosts/open-hosts.js';
export {type CredentialSource, type Credentials, firstCredentials} from './login/credentials.js';
export {type AuthPlace, credentialsFromConfig, credentialsFromFiles, type SourceOptions} from './login/sources.js';
export {type CopiedImage, type CopyImageOptions, copyImage} from './place/copy-image.js';
export {openPlace} from './place/open.js';
export type {OpenPlace, PlaceOptions} from './place/options.js';
export {
	type FilePlace,
	formatPlace,
	type Place,
	parsePlace,
	type RegistryPlace,
	type StorePlace,
} from './place/parse.js';
export {listPlaceReferrers, type Referrer, type ReferrersOptions} from './place/referrers.js';
export {listPlaceTags} from './place/tags.js';
export {type OpenTarget, openTarget, type TransferOptions} from './place/target.js';
export {type AccessOptions, openAccess} from './server/access/access.js';
export type {OutsideIssuer} from './server/access/issuer.js';
export {
	type AccessAnswer,
	type AccessPolicy,
	type AccessRequest,
	type Action,
	openToAll,
	type TokenAnswer,
	type TokenRequest,
	type TokenServer,
} from './server/access/policy.js';
export type {ServerLimits} from './server/limits.js';
export type {RegistryServer, ServeOptions} from './server/options.js';
export {serveRegistry} from './server/serve.js';
export type {TlsFiles} from './server/tls.js';
export {
	openPullThrough,
	type PullThroughCounts,
	type PullThroughOptions,
	type PullThroughStorage,
} from './server/upstream/pull-through.js';
export {parseUpstream, type UpstreamSpec} from './server/upstream/spec.js';
export {openStoreStorage, type StoreStorageOptions} from './storage/layout/open.js';
export {
	type DirRepository,
	openRegistryDir,
	type RegistryDir,
	type RegistryDirOptions,
} from './storage/stock/registry-dir.js';
export {openStockStorage, type StockStorageOptions} from './storage/stock/storage.js';
export type {
	NewManifest,
	Page,
	RegistryStorage,
	StoredBlob,
	StoredManifest,
	Upload,
	Uploads,
} from './storage/storage.js';
export type {
	CollectedRegistry,
	CollectRegistryOptions,
	ContentFile,
	StorageFault,
	StorageInventory,
	TagFacts,
} from './upkeep/inventory.js';
export {type ListedRepository, type ListedTag, listRegistry, type RegistryListing} from './upkeep/list.js';
export {
	type PrunedTag,
	type PruneOrder,
	type PrunePlan,
	type PruneTagsOptions,
	planPrune,
	pruneTags,
} from './upkeep/prune.js';
export {repairFromContent, repairFromRegistry} from './upkeep/repair-source.js';
export {openStockInventory} from './upkeep/stock-inventory.js';
export {openStoreInventory} from './upkeep/store-inventory.js';
export {
	type RegistryFinding,
	type RegistryVerification,
	type RepairSource,
	type VerifyRegistryOptions,
	verifyRegistry,
} from './upkeep/verify.js';
