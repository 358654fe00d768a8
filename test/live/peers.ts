import { z } from 'zod';

/** A program that somebody else wrote, as `npm run test:live` found or installed it; else why not. */
const program = z.union([
  z.object({ skipped: z.string() }),
  z.object({ skipped: z.undefined().optional(), bin: z.string(), program: z.string(), version: z.string() }),
]);
const npmPackage = z.union([z.object({ skipped: z.string() }), z.object({ skipped: z.undefined().optional(), entry: z.string(), version: z.string() })]);
const schema = z.object({
  mlflow: program,
  mcpGrafana: program,
  databricksSdk: npmPackage,
  emulate: npmPackage,
  mcpConformance: npmPackage,
  mcpInspector: npmPackage,
  mcpClient: npmPackage,
  mcpEverything: npmPackage,
  mcpFilesystem: npmPackage,
  localSlack: npmPackage,
});

const none = { skipped: 'start this with npm run test:live, which installs it' };

export const peers = schema.parse(
  process.env['LABMATE_LIVE_PEERS'] ? JSON.parse(process.env['LABMATE_LIVE_PEERS']) : Object.fromEntries(Object.keys(schema.shape).map((name) => [name, none])),
);
