import { EXAMPLES } from '../data/examples.ts';
import { usePage } from './page-context.ts';

/** What a newcomer sees in the empty channel: what this is, how a run goes, and prompts to start from. */
export function FirstRun({ onPick }: { onPick: (text: string) => void }) {
  const { snapshot, me } = usePage();
  const requester = snapshot.users.find((user) => user.role === 'requester');
  const approver = snapshot.users.find((user) => user.role === 'approver');
  return (
    <section class="first-run" data-testid="first-run">
      <div class="first-run-mark" aria-hidden="true">
        🧪
      </div>
      <h2>Describe an experiment in a sentence</h2>
      <p class="first-run-lead">
        labmate plans the steps, asks a person before anything that matters, waits for the training job, compares honestly and leaves a record. Try it here,
        with no account.
      </p>
      <ol class="steps">
        <li>
          <strong>Pick a prompt</strong> as {requester?.realName ?? 'the requester'}, and send it.
        </li>
        <li>
          <strong>Become {approver?.realName ?? 'the approver'}</strong> below left to approve what it asks. {requester?.realName ?? 'The requester'} may not.
        </li>
        <li>
          <strong>Read the verdict</strong> in the thread: the table, the chart, the pull request.
        </li>
      </ol>
      <Examples onPick={onPick} />
      {me.role !== 'requester' && requester && (
        <p class="first-run-note">
          You are {me.realName} now. Experiments are usually {requester.realName}'s to ask for.
        </p>
      )}
    </section>
  );
}

export function Examples({ onPick }: { onPick: (text: string) => void }) {
  return (
    <div class="examples">
      {EXAMPLES.map((example, at) => (
        <button type="button" class="example" data-testid={`example-${at}`} title={example.text} onClick={() => onPick(example.text)}>
          <span class="example-title">{example.title}</span>
          <span class="example-shows">{example.shows}</span>
          <span class="example-text">{example.text}</span>
        </button>
      ))}
    </div>
  );
}
