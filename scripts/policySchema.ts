import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { policySchemaText } from '../shared/policySchema.ts';

/** Writes docs/policy.schema.json anew: `node scripts/policySchema.ts`. */
writeFileSync(join(import.meta.dirname, '../docs/policy.schema.json'), policySchemaText());
