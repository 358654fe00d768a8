import { useState } from 'preact/hooks';
import { Text, TextLine } from '../text/text.tsx';
import { FieldElement } from './fields.tsx';
import { type Json, record, shownText, string } from './json.ts';
import { answerKey, blockIdOf, initialValue } from './state-values.ts';
import { type StateValue, useForm, useSurface } from './surface.ts';

/** An input block: label, field, hint, and what is wrong with the answer. */
export function InputBlock({ block, place }: { block: Json; place: number }) {
  const form = useForm();
  const surface = useSurface();
  const element = record(block.element);
  const blockId = blockIdOf(block, place);
  const actionId = string(element.action_id);
  const [own, setOwn] = useState<StateValue>(initialValue(element));
  const error = form?.errorOf(blockId) ?? null;
  const id = `field-${blockId}-${actionId}`;
  return (
    <div class={error ? 'input input-wrong' : 'input'} data-testid="field" data-block-id={blockId}>
      <label class="input-label" for={id}>
        <TextLine of={block.label} />
        {block.optional === true && <span class="input-optional"> (optional)</span>}
      </label>
      <FieldElement
        id={id}
        element={element}
        value={form?.valueOf(blockId, actionId) ?? own}
        label={shownText(block.label)}
        describedBy={[error ? `${id}-error` : '', block.hint === undefined ? '' : `${id}-hint`].filter(Boolean).join(' ') || undefined}
        onChange={(next) => {
          setOwn(next);
          form?.change(blockId, actionId, next);
          if (block.dispatch_action === true) surface.act?.(actionId, string(next[answerKey(element) ?? 'value']) || undefined);
        }}
      />
      {error && (
        <p class="input-error" id={`${id}-error`} role="alert" data-testid="field-error">
          {error}
        </p>
      )}
      {block.hint !== undefined && (
        <div class="input-hint" id={`${id}-hint`}>
          <Text of={block.hint} />
        </div>
      )}
    </div>
  );
}
