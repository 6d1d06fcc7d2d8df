import {readdirSync, readFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {Ajv, type ValidateFunction} from 'ajv';

const folder = join(process.cwd(), 'test/fixtures/oci-schema');

export type SchemaName = 'config-schema.json' | 'image-index-schema.json' | 'image-manifest-schema.json';

const ajv = loadSchemas();

/** What the OCI JSON Schema of this name has against a document; empty when it is valid. */
export function schemaErrors(name: SchemaName, document: unknown): readonly string[] {
	const validate = ajv.getSchema(name) as ValidateFunction;
	return validate(document) ? [] : (validate.errors ?? []).map(error => `${error.instancePath} ${error.message}`);
}

/**
 * The schemas are written in draft 4, where `id` names a schema and references are relative file names. Ajv reads newer
 * drafts, in which the same constraints hold; only the names must be given anew.
 */
function loadSchemas(): Ajv {
	const schemas = new Ajv({strict: false, allErrors: true, validateFormats: true});
	schemas.addFormat('date-time', /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/);
	schemas.addFormat('uri', /^[a-z][a-z0-9+.-]*:/i);
	for (const file of readdirSync(folder).filter(name => name.endsWith('.json'))) {
		const schema = JSON.parse(readFileSync(join(folder, file), 'utf8'), (key, value: unknown) =>
			key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
		) as object;
		schemas.addSchema({...schema, $id: basename(file)});
	}
	return schemas;
}
