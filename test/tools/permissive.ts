import type { Permissions, PolicyRule } from '../../src/policy/rules.ts';

/** U2 may approve; experiments, dashboards, branches and paths are free; and these are the rules. */
export const permissive = (...rules: PolicyRule[]): Permissions => ({
  approvers: { default: { users: ['U2'], groups: [], quorum: 1, requesterMayApprove: false, expiresAfterMs: 60_000, channel: null } },
  executionExpiresAfterMs: 60_000,
  environments: {},
  actIn: [],
  allow: { experiments: ['*'], dashboards: ['*'], channels: [], branches: ['*'], paths: ['*'] },
  repositories: [],
  policy: { default: 'ask', rules },
});
