import { z } from 'zod';
import { AdminPolicy } from './policy.ts';

/** The JSON Schema of the admin policy, as it is published in docs/policy.schema.json. */
export const policySchemaText = (): string =>
  `${JSON.stringify(z.toJSONSchema(AdminPolicy, { io: 'input' }), null, 2)}\n`;
