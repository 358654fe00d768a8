import { main } from '../../src/cli.ts';

/** What the suite starts and kills: the product as `labmate` starts it. */
const exitCode = await main(process.argv.slice(2));
if (exitCode !== null) process.exit(exitCode);
