import { z } from 'zod';

// zod would probe `new Function`, which our CSP refuses and reports. This must run before any schema is made.
z.config({ jitless: true });
