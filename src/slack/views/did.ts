import { isMounted } from '../../policy/mounted-names.ts';
import type { Session } from '../../session/state.ts';
import { outcomeOf, stepTitle } from './words.ts';

/** What a session did to the world, from the outcomes of its calls and never from the model's words. */
export function didWhat(s: Session): { text: string; url: string | null }[] {
  return [...s.calls.values()].flatMap((call) => {
    const outcome = outcomeOf(call);
    const approval = call.approval ? s.approvals.get(call.approval) : undefined;
    // Only what the gate let go was started; a look changes nothing and a question did not run.
    if (outcome?.status !== 'ok' || !call.started) return [];
    const data = outcome.data ?? {};
    // A mounted server's call leaves a start whatever it is; a look is nothing that was done.
    if (isMounted(call.tool) && data['read_only'] === true) return [];
    const number = data['number'] ?? data['pr_number'];
    const what = call.tool === 'create_github_pr' && number !== undefined ? `Pull request #${number}` : (approval?.preview.summary ?? stepTitle(call.tool));
    const url = ['url', 'run_url', 'pr_url', 'html_url', 'permalink'].map((key) => data[key]).find((value) => typeof value === 'string');
    return [{ text: what, url: typeof url === 'string' ? url : null }];
  });
}
