// `npm run schema`: writes labmate.schema.json from the zod schema that reads labmate.json.
import { writeFileSync } from 'node:fs';
import { register } from 'tsx/esm/api';

register();
const { fileJsonSchema } = await import('../src/config-file.ts');
writeFileSync(new URL('../labmate.schema.json', import.meta.url), `${JSON.stringify(fileJsonSchema(), null, 2)}\n`);
process.stdout.write('labmate.schema.json is written\n');
