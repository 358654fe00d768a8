import { startGateway } from '../../src/gateway.ts';
import { createLog } from '../../src/log.ts';
import { openCore } from '../../src/open-core.ts';
import { openWatching } from '../../src/ops/observe.ts';
import { makeKeys } from '../../src/runtime/keys.ts';
import { serve, settledHeap } from '../child.ts';
import { benchConfig } from './config.ts';

/** The whole of the product's Slack side, in a process of its own as compose.yaml runs it: commands and clicks in, threads out. */

const config = benchConfig();
const log = createLog({ level: config.logLevel, secrets: config.secrets, role: 'gateway' });
const core = openCore(config, makeKeys(config.redis.prefix), log);
await startGateway(config, core, log, {}, await openWatching(config, 'gateway'));

serve({
  heap: settledHeap,
});
