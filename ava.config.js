export default {
	files: ['test/**/*.test.ts', '!test/{interop,cluster}/**'],
	typescript: {rewritePaths: {'lib/': '.build/lib/', 'bin/': '.build/bin/', 'test/': '.build/test/'}, compile: false},
	nodeArguments: ['--enable-source-maps'],
	environmentVariables: {TZ: 'Pacific/Chatham', LC_ALL: 'C'},
	workerThreads: false,
	timeout: '120s',
};
