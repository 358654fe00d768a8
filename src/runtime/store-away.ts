/** How ioredis, a server that takes no commands now, and the network under them say that there is nobody to ask. */
const AWAY =
  /^(Stream isn't writeable|Connection is closed|Command timed out|Reached the max retries|Socket timeout|All sentinels are unreachable|Failed to refresh slots|Too many Cluster redirections|LOADING|READONLY|OOM|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|MISCONF|UNBLOCKED|connect E|read E|write E)/;

/** Did this fail because Redis is away or takes nothing at the moment, and not because of us? */
export function isStoreAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return AWAY.test(error.message) || isStoreAway(error.cause);
}
