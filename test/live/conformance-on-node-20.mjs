// The conformance suite imports globSync, which Node has from 22 on, and only needs it for what is not asked of it here.
import { register } from 'node:module';

const hooks = `
  const named = "import fs from 'node:fs'; export * from 'node:fs'; export default fs; export const globSync = () => { throw new Error('Node 22 has it'); };";
  export const resolve = (specifier, context, next) =>
    specifier === 'fs' && context.parentURL?.includes('/@modelcontextprotocol/conformance/dist/')
      ? { url: 'with-glob:fs', shortCircuit: true }
      : next(specifier, context);
  export const load = (url, context, next) => (url === 'with-glob:fs' ? { format: 'module', shortCircuit: true, source: named } : next(url, context));
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
