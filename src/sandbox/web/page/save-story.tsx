import { Dialog } from '../blocks/dialog.tsx';
import type { SavedStory } from '../data/client.ts';

type Props = { story: SavedStory & { others: boolean }; onDone: () => void };

/** Says where a thread was kept as a test, and how it is played. `others`: other experiments ran here before, which that sandbox will not have. */
export function StoryDialog({ story, onDone }: Props) {
  const command = `npm run sandbox -- --headless --scenario ${story.file}`;
  return (
    <Dialog label="The thread as a test" class="confirm story" testId="story" onClose={onDone}>
      <h2 class="dialog-title">Kept as a test</h2>
      <div class="dialog-body">
        <p>
          Who did what in this thread, and how it came out, is in <code>{story.file}</code>. This plays it in a sandbox of its own, and fails where the thread
          comes out otherwise:
        </p>
        <pre class="text-pre" data-testid="story-command">
          {command}
        </pre>
        <p>Ids, hashes and times are left out, so they may differ; faults from “Break something” are not repeated.</p>
        {story.others && (
          <p data-testid="story-others">
            <strong>Other experiments ran here before.</strong> That sandbox knows nothing of them: what counts their runs (“best of 42”, the last run of a job)
            comes out otherwise there, and the test fails. To be sure, choose “Start over”, do the same again and save that.
          </p>
        )}
        <details class="story-text">
          <summary>The story</summary>
          <pre class="text-pre">{story.text}</pre>
        </details>
      </div>
      <footer class="dialog-foot">
        <a
          class="button"
          download={`${story.name}.json`}
          href={`data:application/json;charset=utf-8,${encodeURIComponent(story.text)}`}
          data-testid="story-download"
        >
          Download
        </a>
        <button type="button" class="button button-primary" data-testid="story-done" onClick={onDone}>
          Done
        </button>
      </footer>
    </Dialog>
  );
}
