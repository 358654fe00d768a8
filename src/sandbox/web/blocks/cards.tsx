import type { ComponentChildren } from 'preact';
import { Outside } from '../text/flow.tsx';
import { safeUrl } from '../text/links.ts';
import { Text, TextLine } from '../text/text.tsx';
import { Element } from './elements.tsx';
import { type Json, list, record, shownText, string } from './json.ts';
import { Picture } from './picture.tsx';
import { RichText } from './rich-text.tsx';

export function Card({ card }: { card: Json }) {
  return (
    <article class="card">
      {card.hero_image !== undefined && <Picture image={record(card.hero_image)} class="card-hero" />}
      <div class="card-head">
        {card.icon !== undefined && <Picture image={record(card.icon)} class="card-icon" />}
        <div>
          {card.title !== undefined && (
            <div class="card-title">
              <TextLine of={card.title} />
            </div>
          )}
          {card.subtitle !== undefined && (
            <div class="card-subtitle">
              <TextLine of={card.subtitle} />
            </div>
          )}
        </div>
      </div>
      {card.body !== undefined && (
        <div class="card-body">
          <Text of={card.body} />
        </div>
      )}
      {list(card.actions).length > 0 && (
        <div class="actions">
          {list(card.actions).map((action) => (
            <Element element={action} blockId={string(card.block_id)} />
          ))}
        </div>
      )}
    </article>
  );
}

export function Carousel({ block }: { block: Json }) {
  return (
    <div class="carousel">
      {list(block.elements).map((card) => (
        <Card card={record(card)} />
      ))}
    </div>
  );
}

const LEVELS: Record<string, string> = { info: 'ℹ️', warning: '⚠️', error: '⛔', success: '✅' };

export function Alert({ block }: { block: Json }) {
  const level = string(block.level) in LEVELS ? string(block.level) : 'default';
  return (
    <div class={`alert alert-${level}`} role="note">
      {LEVELS[level] && <span aria-hidden="true">{LEVELS[level]}</span>}
      <div>
        <Text of={block.text} />
      </div>
    </div>
  );
}

/** A box around other blocks. How those are drawn is passed in, since they may hold anything a message holds. */
export function Container({ block, children }: { block: Json; children: (blocks: unknown[]) => ComponentChildren }) {
  const head = (
    <>
      {block.icon !== undefined && <Picture image={record(block.icon)} class="card-icon" />}
      <span class="container-titles">
        <span class="card-title">
          {block.rich_text_title !== undefined ? <RichText block={record(block.rich_text_title)} /> : <TextLine of={block.title} />}
        </span>
        {block.subtitle !== undefined && (
          <span class="card-subtitle">
            <TextLine of={block.subtitle} />
          </span>
        )}
      </span>
    </>
  );
  const body = <div class="container-body">{children(list(block.child_blocks))}</div>;
  const hasHead = block.title !== undefined || block.rich_text_title !== undefined;
  if (block.is_collapsible === true) {
    return (
      <details class="container" open={block.default_collapsed !== true}>
        <summary class="container-head">{head}</summary>
        {body}
      </details>
    );
  }
  return (
    <div class="container">
      {hasHead && <div class={block.has_header_divider === true ? 'container-head container-ruled' : 'container-head'}>{head}</div>}
      {body}
    </div>
  );
}

/** A video as what one can click: its picture and title. The page plays nothing. */
export function Video({ block }: { block: Json }) {
  const url = safeUrl(string(block.title_url) || string(block.video_url));
  return (
    <div class="card">
      <Picture image={{ image_url: block.thumbnail_url, alt_text: block.alt_text }} class="card-hero" />
      <div class="card-title">{url ? <Outside url={url}>{shownText(block.title)}</Outside> : shownText(block.title)}</div>
      {block.description !== undefined && (
        <div class="card-subtitle">
          <TextLine of={block.description} />
        </div>
      )}
    </div>
  );
}
