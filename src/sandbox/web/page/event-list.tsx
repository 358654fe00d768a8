import { useState } from 'preact/hooks';
import type { LogLine } from '../data/record.ts';

/** A session's log, oldest first, each line as it is stored behind what it says. */
export function EventList({ lines, onModel }: { lines: LogLine[]; onModel: (requestId: string) => void }) {
  if (lines.length === 0) return <p class="empty">Reading its log…</p>;
  return (
    <ol class="events">
      {lines.map((line) => (
        <Event key={line.seq} line={line} onModel={onModel} />
      ))}
    </ol>
  );
}

function Event({ line, onModel }: { line: LogLine; onModel: (requestId: string) => void }) {
  const [open, setOpen] = useState(false);
  return (
    <li class="event" data-testid="event" data-type={line.type}>
      <button type="button" class="event-head" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="event-seq">{line.seq}</span>
        <span class="event-time">{line.at.slice(11, 19)}</span>
        <span class={`event-type event-${line.type}`}>{line.type}</span>
        <span class="event-gist">{line.gist}</span>
      </button>
      {open && (
        <div class="event-body">
          {line.requestId !== '' && (
            <button type="button" class="button button-small" data-testid="model-saw" onClick={() => onModel(line.requestId)}>
              What the model saw before this
            </button>
          )}
          <pre class="text-pre">{pretty(line.text)}</pre>
        </div>
      )}
    </li>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
