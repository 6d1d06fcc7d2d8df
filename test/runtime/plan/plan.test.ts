import test from 'ava';
import fc from 'fast-check';
import type {PlannedAction} from '../../../lib/runtime/plan/action.js';
import {digestOfValue, makePlan, parsePlan} from '../../../lib/runtime/plan/plan.js';

const basis = `sha256:${'0'.repeat(64)}` as const;

test('a plan is read as it was printed, however its keys are ordered and spaced', t => {
	const plan = makePlan({verb: 'run', cluster: 'default', basis, actions: [action('a'), action('b', ['a'])]});
	t.deepEqual(parsePlan(JSON.stringify(plan, null, 2), 'plan.json'), plan);
	t.deepEqual(parsePlan(JSON.stringify(reversed(plan)), 'plan.json'), plan);
});

test('the digest follows from what is planned alone', t => {
	const parts = {verb: 'run', cluster: 'default', basis, actions: [action('a')]};
	t.is(makePlan(parts).digest, makePlan({...parts}).digest);
	t.not(makePlan(parts).digest, makePlan({...parts, actions: [action('b')]}).digest);
});

test('an edited plan is refused', t => {
	const text = JSON.stringify(makePlan({verb: 'run', cluster: 'default', basis, actions: [action('a')]}));
	const edited = text.replace('do a', 'do what I say');
	t.throws(() => parsePlan(edited, 'plan.json'), {code: 'ERR_PLAN', message: /plan\.json.*not as it was printed/});
});

const refused = test.macro((t, text: string, why: RegExp) => {
	t.throws(() => parsePlan(text, 'plan.json'), {code: 'ERR_PLAN', message: why});
});

test('no JSON', refused, '{', /it is no JSON/);
test('no object', refused, '[1]', /no JSON object/);
test('a later schema', refused, JSON.stringify({schema: 2}), /its schema is 2, expected 1/);
test('without actions', refused, signed({schema: 1, verb: 'run', cluster: 'a', basis}), /parts of it are missing/);
test(
	'an action that is none',
	refused,
	signed({schema: 1, verb: 'run', cluster: 'a', basis, actions: [{...action('a'), needs: [1]}]}),
	/parts of it are missing/,
);

const senseless = test.macro((t, actions: readonly PlannedAction[], why: RegExp) => {
	t.throws(() => makePlan({verb: 'run', cluster: 'default', basis, actions}), {code: 'ERR_PLAN', message: why});
});

test('two actions of one name', senseless, [action('a'), action('b'), action('a')], /"a" is there twice/);
test('a need that is not there', senseless, [action('a', ['x'])], /"a" needs "x", which is not part of it/);
test('a circle', senseless, [action('a', ['c']), action('b', ['a']), action('c', ['b'])], /needs itself/);
test('an action that needs itself', senseless, [action('a', ['a'])], /"a" needs itself/);

test('the digest of a value does not depend on the order of its keys', t => {
	fc.assert(
		fc.property(fc.jsonValue(), value => {
			const other: unknown = reversed(value);
			return digestOfValue(value) === digestOfValue(other);
		}),
	);
	t.not(digestOfValue({a: [1, 2]}), digestOfValue({a: [2, 1]}));
	t.not(digestOfValue(JSON.parse('{"__proto__": 1}')), digestOfValue({}));
});

function action(id: string, needs: readonly string[] = []): PlannedAction {
	return {id, kind: 'play', phase: 'test', title: `do ${id}`, needs, input: {}};
}

function signed(plan: object): string {
	return JSON.stringify({...plan, digest: digestOfValue(plan)});
}

function reversed(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(reversed);
	if (typeof value !== 'object' || value === null) return value;
	const result = Object.create(null) as Record<string, unknown>;
	for (const [key, item] of Object.entries(value).reverse()) result[key] = reversed(item);
	return result;
}
