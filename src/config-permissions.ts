import type { ConfigFile } from './config-file.ts';
import { namesNoServer } from './config-mounts.ts';
import { didYouMean } from './did-you-mean.ts';
import { matches } from './policy/environments.ts';
import { type ApproverRule, type Permissions, approversOf as whoApproves } from './policy/rules.ts';
import { ACCEPT_TOOLS } from './session/door.ts';

/** What labmate.json permits, in policy's own terms. */
export function permissionsOf(file: ConfigFile): Permissions {
  return {
    approvers: approversOf(file),
    executionExpiresAfterMs: file.executionExpiresAfter,
    environments: file.environments,
    actIn: file.actIn,
    allow: { ...file.allow, channels: file.allow.channels ?? file.channels },
    repositories: file.github.repositories,
    policy: file.policy,
  };
}

function approversOf(file: ConfigFile): Record<string, ApproverRule> {
  const all = file.approvers;
  const byDefault = all['default'];
  return Object.fromEntries(
    Object.entries(all).map(([tool, own]) => {
      // A tool that names anybody names everybody: a default group must not creep in beside its own.
      const people = own.users || own.groups ? own : byDefault;
      const rule: ApproverRule = {
        users: people?.users ?? [],
        groups: people?.groups ?? [],
        quorum: own.quorum ?? byDefault?.quorum ?? 1,
        requesterMayApprove: own.requesterMayApprove ?? byDefault?.requesterMayApprove ?? false,
        expiresAfterMs: own.expiresAfter ?? byDefault?.expiresAfter ?? 86_400_000,
        channel: own.channel ?? byDefault?.channel ?? null,
      };
      return [tool, rule];
    }),
  );
}

/** What is well-formed and still cannot be meant: each a sentence with the fix. `tools`: every tool there is, or null where unknown. */
export function contradictions(file: ConfigFile, tools: readonly string[] | null): string[] {
  const faults: string[] = [];
  const servers = Object.keys(file.mcpServers);
  // Which tools a mounted server has is known once it was listed, and held against the rules then.
  const known = (pattern: string) => tools === null || tools.some((tool) => matches(pattern, tool)) || !namesNoServer(pattern, servers);
  file.policy.rules.forEach((rule, i) => {
    if (!known(rule.tool))
      faults.push(
        `policy.rules[${i}] names the tool "${rule.tool}", which matches none${didYouMean(rule.tool, tools ?? [])}; see "labmate mcp ls" for the names`,
      );
    const where = rule.when?.environment;
    if (where !== undefined && !(where in file.environments))
      faults.push(`policy.rules[${i}].when.environment is "${where}", which is not in environments${didYouMean(where, Object.keys(file.environments))}`);
  });
  for (const [tool, rule] of Object.entries(approversOf(file))) {
    // Who may raise a session's budgets, and who agrees to what a mounted server offers, is named like a tool's approvers.
    if (!['default', 'raise_budget', ACCEPT_TOOLS].includes(tool) && !known(tool))
      faults.push(
        `approvers has an entry "${tool}", which matches no tool${didYouMean(tool, ['default', ...(tools ?? [])])}; see "labmate mcp ls" for the names`,
      );
    if (rule.groups.length === 0 && rule.users.length > 0 && rule.quorum > new Set(rule.users).size)
      faults.push(`approvers.${tool} asks for ${rule.quorum} people and names ${new Set(rule.users).size}: add users or a group, or lower quorum`);
  }
  for (const environment of file.actIn)
    if (!(environment in file.environments))
      faults.push(
        `actIn names "${environment}", which is not in environments${didYouMean(environment, Object.keys(file.environments))}: describe it there or take it out`,
      );
  if (file.budgets.usd !== undefined && Object.keys(file.pricing).length === 0)
    faults.push('budgets.usd needs "pricing": without prices nothing can be counted in dollars');
  return faults;
}

/** What will run, but perhaps not as somebody hopes: said once at start-up. */
export function warningsOf(file: ConfigFile): string[] {
  const warnings: string[] = [];
  const rules = approversOf(file);
  const entries = [...new Set(['default', ...Object.keys(rules)])];
  const nobody = entries.filter((tool) => whoApproves(tool, rules) === null);
  if (nobody.length === entries.length) warnings.push('labmate.json names no approvers: every call that needs a yes will be refused.');
  else
    for (const tool of nobody)
      warnings.push(
        `labmate.json: approvers.${tool} names nobody: what needs its yes${tool === 'default' ? ' and has no entry of its own' : ''} will be refused.`,
      );
  if (file.channels.length === 0) warnings.push('labmate.json names no channels: nobody will be heard.');
  if (file.actIn.length === 0) warnings.push('labmate.json lists no environment in actIn: no job can be started.');
  const servers = Object.keys(file.mcpServers);
  for (const name of Object.keys(file.mounts))
    if (!servers.includes(name))
      warnings.push(`labmate.json: mounts names "${name}", which is not in mcpServers${didYouMean(name, servers)}: nothing comes of it.`);
  if (file.actIn.includes('prod')) warnings.push('actIn contains prod, where every job without an environment of its own counts.');
  return warnings;
}
