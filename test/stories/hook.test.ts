import { expect, test } from 'vitest';
import { openStage } from './stage.ts';

const SECRET = 'a-shared-secret-of-stories';

test.each(['socket', 'http'] as const)('the hook is open at PORT beside Slack over %s, and only for who knows the secret', async (mode) => {
  const stage = await openStage({ mode, scripts: [], between: async (variables) => ({ ...variables, DATABRICKS_WEBHOOK_SECRET: SECRET }) });
  try {
    const hook = (secret: string) =>
      fetch(`http://127.0.0.1:${stage.variables.PORT}/hooks/databricks`, { method: 'POST', headers: { authorization: `Bearer ${secret}` }, body: '{}' });
    expect((await hook('not it')).status).toBe(401);
    expect((await hook(SECRET)).status).toBe(204);
    // The worker hears of it.
    await stage.until('the nudge to be taken', async () => (await stage.redis.exists(stage.keys.nudge)) === 0);
  } finally {
    await stage.close();
  }
});
