import { matches, type Placement, placeJob } from './environments.ts';
import { type ApproverRule, approversOf, type Permissions, type PolicyRule } from './rules.ts';
import type { Touches } from './touches.ts';

/** A call as policy sees it: which tool, whether it only reads, and what it would touch by real look-ups. */
export type Intended = {
  tool: string;
  /** Undefined: nobody knows, so no condition on it holds, and it counts as a write. */
  readOnly: boolean | undefined;
  touches: Touches;
  /** A tool of a mounted server: no built-in rule speaks for it. */
  foreign?: boolean;
};

/** What the session has done so far that policy must know. */
export type Standing = {
  /** It has read text from outside. */
  tainted: boolean;
  /** Its posts outside its own thread. */
  postsOutside: number;
  /** Calls that a person declined and nobody has asked for since: what would have been sent, what the model had asked for, and who declined. */
  denied?: readonly { digest: string; tool: string; input: unknown; by: string }[] | undefined;
};

export type Verdict =
  | { is: 'run'; rule: string; placement?: Placement }
  | { is: 'confirm'; rule: string; approvers: ApproverRule; placement?: Placement }
  | ({ is: 'refuse' } & Refusal);

/** `fact`: which of the facts is out of bounds, where it is one; `parameter`: which of the job's. */
export type Refusal = { why: string; fact?: keyof Touches; parameter?: string };

/** Posts outside its own thread that a session may make by itself. */
const FREE_POSTS = 2;

/** Rules on one call: refuse, ask a person, or let it run, with the rule's name for the record. Pure. */
export function judge(call: Intended, permissions: Permissions, standing: Standing): Verdict {
  const { touches } = call;
  const placement = touches.job ? placeJob(touches.job, permissions.environments, permissions.actIn) : undefined;
  const forbidden = outsideItsGround(call, permissions, placement);
  if (forbidden) return { is: 'refuse', ...forbidden };

  const rules = permissions.policy.rules.filter((r) => matches(r.tool, call.tool) && holds(r, call, placement));
  const rule = rules.find((r) => r.action === 'deny') ?? rules.find((r) => r.action === 'ask') ?? rules.find((r) => r.action === 'auto');
  if (rule?.action === 'deny') return { is: 'refuse', why: `A rule of labmate.json denies ${call.tool} (${describe(rule)}).` };

  const builtIn = runsByItself(call, standing);
  const auto = rule ? rule.action === 'auto' && (call.readOnly === true || !standing.tainted || staysHome(touches, placement)) : builtIn !== null;
  if (auto) return { is: 'run', rule: rule ? describe(rule) : (builtIn ?? ''), ...(placement ? { placement } : {}) };
  if (!rule && call.foreign && permissions.policy.default === 'deny')
    return { is: 'refuse', why: `No rule of labmate.json permits ${call.tool}, and the default is deny.` };

  const approvers = approversOf(call.tool, permissions.approvers);
  if (!approvers)
    return {
      is: 'refuse',
      why: `${call.tool} needs a person's yes, and labmate.json names no approvers for it, so nobody can give it. Add "approvers" there.`,
    };
  const asks = call.foreign ? 'default: tools of mounted servers ask' : 'built-in: writes ask';
  return { is: 'confirm', rule: rule ? describe(rule) : asks, approvers, ...(placement ? { placement } : {}) };
}

/** Whether a rule denies a tool whatever is known of the call. */
export function isDenied(tool: string, { policy }: Pick<Permissions, 'policy'>): boolean {
  return policy.rules.some((rule) => rule.action === 'deny' && rule.when === undefined && matches(rule.tool, tool));
}

/** Where it may never act, whoever says yes; null where it may. */
function outsideItsGround({ touches }: Intended, permissions: Permissions, placement: Placement | undefined): Refusal | null {
  if (placement && touches.job && !permissions.actIn.includes(placement.environment)) {
    const { job } = touches;
    const why = `Job ${job.id} (${job.name}) belongs to ${placement.environment}: ${placement.why}. labmate acts only in ${list(permissions.actIn)}, so it is refused before anybody is asked.`;
    return { why, fact: 'job', ...(placement.parameter === undefined ? {} : { parameter: placement.parameter }) };
  }
  if (touches.repository !== undefined && !permissions.repositories.includes(touches.repository)) {
    return {
      fact: 'repository',
      why: `The repository ${touches.repository} is not in github.repositories of labmate.json (${list(permissions.repositories)}).`,
    };
  }
  const { base } = touches;
  if (base !== undefined && !permissions.allow.branches.some((g) => matches(g, base))) {
    return {
      fact: 'base',
      why: `The branch ${base} is not in allow.branches of labmate.json (${list(permissions.allow.branches)}), so nothing is proposed for it.`,
    };
  }
  const path = touches.paths?.find((p) => !permissions.allow.paths.some((g) => matches(g, p)));
  if (path !== undefined) {
    return { fact: 'paths', why: `The file ${path} is not in allow.paths of labmate.json (${list(permissions.allow.paths)}), so it may not be written.` };
  }
  if (touches.experiment !== undefined && !permissions.allow.experiments.some((g) => matches(g, touches.experiment ?? ''))) {
    return { fact: 'experiment', why: `The experiment ${touches.experiment} is not in allow.experiments of labmate.json.` };
  }
  if (touches.dashboard !== undefined && !permissions.allow.dashboards.some((g) => matches(g, touches.dashboard ?? ''))) {
    return { fact: 'dashboard', why: `The dashboard ${touches.dashboard} is not in allow.dashboards of labmate.json.` };
  }
  if (touches.channel !== undefined && touches.place === 'elsewhere' && !permissions.allow.channels.includes(touches.channel)) {
    return { fact: 'channel', why: `The channel ${touches.channel} is not in allow.channels of labmate.json.` };
  }
  return null;
}

/** The built-in table: what runs without a rule and without a person. */
function runsByItself({ readOnly, touches, foreign }: Intended, standing: Standing): string | null {
  if (foreign) return null;
  if (readOnly) return 'built-in: reads run';
  if (touches.asksPerson) return 'built-in: asking a person runs';
  if (touches.place === 'own-thread') return "built-in: posts in the session's own thread run";
  if (touches.place === 'own-channel' && standing.postsOutside < FREE_POSTS) return "built-in: posts in the session's own channel run, two a session";
  if (touches.own === true) return 'built-in: a session may cancel the run it started';
  return null;
}

/** What a rule's `auto` still covers once text from outside was read: it can't send anything to a new audience. */
function staysHome(touches: Touches, placement: Placement | undefined): boolean {
  if (touches.place === 'own-thread' || touches.place === 'own-channel') return true;
  const { job } = touches;
  return job !== undefined && placement?.listed === true && Object.keys(job.parameters).every((p) => job.declared.includes(p));
}

/** A condition whose fact is unknown does not hold. */
function holds({ when }: PolicyRule, { readOnly, touches }: Intended, placement: Placement | undefined): boolean {
  if (!when) return true;
  if (when.readOnly !== undefined && when.readOnly !== readOnly) return false;
  if (when.environment !== undefined && placement?.environment !== when.environment) return false;
  if (when.maxTypicalMinutes !== undefined && !(touches.typicalMinutes !== undefined && touches.typicalMinutes <= when.maxTypicalMinutes)) return false;
  if (when.own !== undefined && touches.own !== when.own) return false;
  return true;
}

function describe(rule: PolicyRule): string {
  return `rule: ${rule.tool} ${rule.action}${rule.when ? ` when ${JSON.stringify(rule.when)}` : ''}`;
}

function list(names: readonly string[]): string {
  return names.length > 0 ? names.join(', ') : 'none';
}
