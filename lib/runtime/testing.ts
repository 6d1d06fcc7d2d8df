/** Hosts for the tests of programs that deliver with sealimage: `sealimage/testing`. */
export type {FakeAnswer, FakePattern, FakeReply} from './transport/fake/answer.js';
export type {FakeFile, FakeFiles, FakeNode} from './transport/fake/files.js';
export {
	createFakeHost,
	type FakeCall,
	type FakeHost,
	type FakeHostOptions,
	type FakeUnit,
	openFakeHosts,
} from './transport/fake/host.js';
