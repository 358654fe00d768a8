import { named } from '../policy/outside-text.ts';
import type { AgentStatus } from '../services/slack-agents.ts';
import type { Session } from '../session/state.ts';
import { type State, stateOf } from '../session/where-it-stands.ts';

const STATUS: Record<State, AgentStatus> = {
  thinking: 'processing',
  idle: 'suspended',
  working: 'processing',
  stopping: 'processing',
  // It is this person's turn.
  question: 'active',
  // It only asks what becomes of its run.
  offer: 'active',
  approval: 'suspended',
  training: 'suspended',
  limit: 'suspended',
  budget: 'suspended',
  attention: 'suspended',
  done: 'closed',
  stopped: 'closed',
  failed: 'closed',
  'over budget': 'closed',
};

/** What Slack shows of a conversation: how far it is, and under which title it is found again. */
export function agentStatus(s: Session): { status: AgentStatus; title: string } {
  const words = named(s.opened.prompt).replace(/\s+/g, ' ').trim();
  return { status: STATUS[stateOf(s)], title: `${s.opened.alias}: ${words.length > 120 ? `${words.slice(0, 119)}…` : words}` };
}
