import { named } from '../policy/outside-text.ts';
import type { AgentStatus } from '../services/slack-agents.ts';
import type { Session } from '../session/state.ts';
import { type State, stateOf } from './views/words.ts';

const STATUS: Record<State, AgentStatus> = {
  thinking: 'processing',
  working: 'processing',
  stopping: 'processing',
  // It is this person's turn.
  question: 'active',
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
  // A stopped session that only asks what becomes of its run is at no work.
  const status = s.offer && !s.offer.answer && !s.ended ? 'active' : STATUS[stateOf(s)];
  const words = named(s.opened.prompt).replace(/\s+/g, ' ').trim();
  return { status, title: `${s.opened.alias}: ${words.length > 120 ? `${words.slice(0, 119)}…` : words}` };
}
