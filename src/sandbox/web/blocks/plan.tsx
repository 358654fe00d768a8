import { Inlines, Outside } from '../text/flow.tsx';
import { safeUrl } from '../text/links.ts';
import { plainInline } from '../text/text.tsx';
import { type Json, list, record, shownText, string, textOf } from './json.ts';
import { RichText } from './rich-text.tsx';

/** A plan: its title, how far it is, and its tasks. */
export function Plan({ block }: { block: Json }) {
  const tasks = list(block.tasks).map(record);
  const done = tasks.filter((task) => task.status === 'complete').length;
  return (
    <section class="plan" aria-label="Plan">
      <header class="plan-head">
        <span class="plan-title">{shownText(block.title)}</span>
        {tasks.length > 0 && <span class="plan-count">{done} done</span>}
      </header>
      <div class="plan-tasks">
        {tasks.map((task) => (
          <TaskCard card={task} />
        ))}
      </div>
    </section>
  );
}

const STATUS: Record<string, { label: string; class: string; sign: string }> = {
  pending: { label: 'Not started', class: 'pending', sign: '' },
  in_progress: { label: 'In progress', class: 'running', sign: '' },
  complete: { label: 'Done', class: 'complete', sign: '✓' },
  error: { label: 'Failed', class: 'error', sign: '!' },
};

export function TaskCard({ card }: { card: Json }) {
  const status = STATUS[string(card.status)] ?? { label: string(card.status) || 'Unknown', class: 'pending', sign: '?' };
  return (
    <div class={`task task-${status.class}`} data-task-id={string(card.task_id)} data-status={string(card.status)}>
      <span class="task-sign" role="img" aria-label={status.label} title={status.label}>
        {status.sign}
      </span>
      <div class="task-body">
        <div class="task-title">
          <Inlines nodes={plainInline(textOf(card.title), true)} />
        </div>
        <Words of={card.details} class="task-details" />
        <Words of={card.output} class="task-output" />
        <Sources sources={list(card.sources)} />
      </div>
    </div>
  );
}

/** Rich text in a message; a plain string in a stream's chunk. */
function Words({ of, class: name }: { of: unknown; class: string }) {
  if (of === undefined || of === null || of === '') return null;
  return <div class={name}>{typeof of === 'string' ? <Inlines nodes={plainInline(of, true)} /> : <RichText block={record(of)} />}</div>;
}

function Sources({ sources }: { sources: unknown[] }) {
  const links = sources.map(record).flatMap((source) => {
    const url = safeUrl(string(source.url));
    return url ? [{ url, text: shownText(source.text) || url }] : [];
  });
  if (links.length === 0) return null;
  return (
    <div class="task-sources">
      {links.map((link) => (
        <Outside url={link.url}>{link.text}</Outside>
      ))}
    </div>
  );
}
