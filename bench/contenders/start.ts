import { main } from '../../src/cli.ts';

/** The product as it is shipped: `labmate start`, compiled. */
await main(['start']);
