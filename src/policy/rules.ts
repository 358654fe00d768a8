/** The part of labmate.json that says what is permitted, as policy sees it. Durations are ms here. */
export type ApproverRule = { users: string[]; groups: string[]; quorum: number; requesterMayApprove: boolean; expiresAfterMs: number; channel: string | null };

export type PolicyRule = {
  /** A tool's name; `*` is a wildcard. */
  tool: string;
  action: 'auto' | 'ask' | 'deny';
  when?: { readOnly?: boolean | undefined; environment?: string | undefined; maxTypicalMinutes?: number | undefined; own?: boolean | undefined } | undefined;
};

export type Permissions = {
  /** By tool name; `default` for the rest. Empty: every gated call is refused. */
  approvers: Record<string, ApproverRule>;
  executionExpiresAfterMs: number;
  environments: import('./environments.ts').Environments;
  actIn: string[];
  /** As globs, channels by id. `branches`: what pull requests may be for; `paths`: files that may be written. */
  allow: { experiments: string[]; dashboards: string[]; channels: string[]; branches: string[]; paths: string[] };
  repositories: string[];
  policy: { default: 'ask' | 'deny'; rules: PolicyRule[] };
};

/** The rule for a tool: its own entry, else the default; null where nobody may approve. */
export function approversOf(tool: string, approvers: Permissions['approvers']): ApproverRule | null {
  // A tool's name may come from a model: `constructor` must not find what every object has.
  const rule = Object.hasOwn(approvers, tool) ? approvers[tool] : approvers['default'];
  return rule && (rule.users.length > 0 || rule.groups.length > 0) ? rule : null;
}
