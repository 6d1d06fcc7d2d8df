import {busybox, type Context, directory, file, hardlink, symlink} from './buildah-compare/case.js';
import type {Recipe} from './sealimage.js';
import {twoPlatforms} from './sealimage.js';

const platform = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;

/** Everything a layer can hold that survives in every tool. */
const files: Context = {
	'etc/app.conf': file('key=value\n', {mode: 0o640}),
	'etc/link': symlink('app.conf'),
	'data/one': file('shared\n'),
	'data/two': hardlink('data/one'),
	'data/empty': file(''),
	'data/tool': file('#!/bin/sh\n', {mode: 0o4755}),
	'data/grüße': file('names beyond ASCII\n'),
	[`data/${'long'.repeat(40)}`]: file('a long name\n'),
	'data/closed': directory({mode: 0o700, mtime: 1_234_567_890}),
};

/** A container image that runs: a static shell and some files, in two layers, as another user. */
export const programRecipe: Recipe = {
	name: 'interop/program:v1',
	context: {...files, 'bin/busybox': busybox},
	flags: ['--platform', platform],
	sealfile: [
		'FROM scratch',
		'COPY bin /bin',
		'COPY --chown=1000:1000 data /data',
		'COPY etc /etc',
		'ENV PATH=/bin GREETING=hello',
		'WORKDIR /data',
		'USER 1000:1000',
		'EXPOSE 8080',
		'LABEL org.example.kind=program',
		'ENTRYPOINT ["/bin/busybox"]',
		'CMD ["cat", "/data/one"]',
	],
};

/** A container image without a program of a platform, for two platforms. */
export const dataRecipe: Recipe = {
	name: 'registry.example.com/interop/data:v1',
	context: files,
	flags: twoPlatforms,
	sealfile: [
		'FROM scratch',
		'ARG TARGETARCH',
		'COPY . /',
		'ENV ARCH=$TARGETARCH',
		'COPY etc/app.conf /$TARGETARCH.conf',
	],
};

/** A second one, found through a manifest. */
export const siteRecipe: Recipe = {
	name: 'registry.example.com/interop/site:v2',
	context: {'index.html': file('<h1>site</h1>\n')},
	flags: twoPlatforms,
	sealfile: ['FROM scratch', 'COPY . /site'],
};

/** A cluster image that embeds both. */
export const clusterRecipe: Recipe = {
	name: 'interop/cluster:v1',
	flags: twoPlatforms,
	context: {
		'images/shim/list': file(`${dataRecipe.name}\n`),
		'manifests/site.yaml': file(
			[
				'apiVersion: v1',
				'kind: Pod',
				'metadata: {name: site}',
				`spec: {containers: [{name: site, image: "${siteRecipe.name}"}]}`,
				'',
			].join('\n'),
		),
		'bin/tool': file('#!/bin/sh\necho tool\n', {mode: 0o755}),
	},
	sealfile: [
		'FROM scratch',
		'LABEL sealos.io.type=application sealos.io.version=v1beta1',
		'COPY . /',
		'CMD ["kubectl apply -f manifests/site.yaml"]',
	],
};
