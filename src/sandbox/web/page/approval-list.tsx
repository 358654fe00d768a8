import type { ApprovalLook } from '../../control-types.ts';
import { usePage } from './page-context.ts';

/** Each question to people: about what bytes, who said what, and what became of it. */
export function ApprovalList({ approvals }: { approvals: ApprovalLook[] }) {
  const page = usePage();
  const name = (id: string) => page.user(id)?.realName ?? id;
  if (approvals.length === 0) return <p class="empty">Nothing has been asked of anybody in this session.</p>;
  return (
    <ul class="approvals">
      {approvals.map((each) => (
        <li key={each.id} class="approval" data-testid="approval" data-state={each.state}>
          <span class={`state${each.open ? ' state-waits' : ' state-ended'}`}>{each.open ? 'open' : each.state}</span>
          <span class="approval-main">
            <strong>{each.summary}</strong>
            <span class="approval-facts">
              <code>{each.tool}</code> · digest <code>{each.digest.slice(0, 12)}</code> · {each.votes.length} of {each.need}{' '}
              {each.need === 1 ? 'vote' : 'votes'}
              {each.votes.length > 0 && ` (${each.votes.map(name).join(', ')})`}
              {each.by && ` · ${each.state} by ${name(each.by)}`}
              {each.reason && `: “${each.reason}”`}
              {each.open && ` · until ${each.expiresAt.slice(0, 16).replace('T', ' ')} UTC`}
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}
