import type { Traffic } from '../../control-types.ts';
import { type LogLine, requestOf, seenBy } from '../data/record.ts';

type Props = { lines: LogLine[]; traffic: Traffic[]; reply: string | null; onReply: (requestId: string) => void };

/** What the model was given before each of its replies, as it went over the wire. */
export function ModelSaw({ lines, traffic, reply, onReply }: Props) {
  const replies = lines.filter((line) => line.type === 'replied');
  const shown = replies.find((line) => line.requestId === reply) ?? replies.at(-1);
  if (!shown) return <p class="empty">The model has not replied yet.</p>;
  const request = requestOf(shown.requestId, traffic);
  return (
    <div class="model-saw" data-testid="model-view">
      <div class="filters">
        {replies.map((line, at) => (
          <button
            type="button"
            class={line === shown ? 'chip chip-on' : 'chip'}
            aria-pressed={line === shown}
            key={line.seq}
            title={line.gist}
            onClick={() => onReply(line.requestId)}
          >
            turn {at + 1}
          </button>
        ))}
        <span class="filters-count model-gist">{shown.gist}</span>
      </div>
      {request ? (
        <ol class="seen">
          {seenBy(request).map((part) => (
            <li class={`seen-part seen-${part.role}`}>
              <span class="seen-role">
                {part.role} <em>{part.kind}</em>
              </span>
              <pre class="text-pre">{part.text}</pre>
            </li>
          ))}
        </ol>
      ) : (
        <p class="empty">
          This request did not pass the stand-in, or was made before this sandbox was started. What stands in the log of the session is all that is known of it.
        </p>
      )}
    </div>
  );
}
