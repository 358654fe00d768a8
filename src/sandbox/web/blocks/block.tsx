import type { ComponentChildren } from 'preact';
import { useErrorBoundary } from 'preact/hooks';
import { Flows } from '../text/flow.tsx';
import { parseMarkdown } from '../text/markdown.ts';
import { Text } from '../text/text.tsx';
import { Alert, Card, Carousel, Container, Video } from './cards.tsx';
import { Chart } from './chart.tsx';
import { ContextActions, Element } from './elements.tsx';
import { InputBlock } from './inputs.tsx';
import { type Json, list, record, string, textOf } from './json.ts';
import { Picture, PictureBlock } from './picture.tsx';
import { Plan, TaskCard } from './plan.tsx';
import { RichText } from './rich-text.tsx';
import { DataTable, Table } from './tables.tsx';

/** Draws a message's or a view's blocks in order. */
export function Blocks({ blocks }: { blocks: unknown[] }) {
  return (
    <>
      {blocks.map((block, index) => (
        <Block block={block} place={index} />
      ))}
    </>
  );
}

/** One block. What we don't know, or can't draw, is shown as its JSON: nothing an app posts may disappear. */
export function Block({ block, place = 0 }: { block: unknown; place?: number }) {
  return (
    <div class="block" data-block-type={string(record(block).type)} data-block-id={string(record(block).block_id) || undefined}>
      <Guarded block={block}>
        <Known block={block} place={place} />
      </Guarded>
    </div>
  );
}

function Guarded({ block, children }: { block: unknown; children: ComponentChildren }) {
  const [broken] = useErrorBoundary();
  return broken ? <RawBlock block={block} why="This block could not be drawn" /> : children;
}

function Known({ block, place }: { block: unknown; place: number }) {
  const json = record(block);
  switch (json.type) {
    case 'section':
      return <Section block={json} />;
    case 'actions':
      return (
        <div class="actions">
          {list(json.elements).map((element) => (
            <Element element={element} blockId={string(json.block_id)} />
          ))}
        </div>
      );
    case 'context':
      return <Context block={json} />;
    case 'context_actions':
      return <ContextActions block={json} />;
    case 'header':
      return (
        <h3 class="header-block">
          <Text of={json.text} />
        </h3>
      );
    case 'divider':
      return <hr class="divider" />;
    case 'image':
      return <PictureBlock block={json} />;
    case 'input':
      return <InputBlock block={json} place={place} />;
    case 'markdown':
      return <Flows flows={parseMarkdown(textOf(json))} />;
    case 'rich_text':
      return <RichText block={json} />;
    case 'table':
      return <Table block={json} />;
    case 'data_table':
      return <DataTable block={json} />;
    case 'data_visualization':
      return <Chart block={json} />;
    case 'plan':
      return <Plan block={json} />;
    case 'task_card':
      return <TaskCard card={json} />;
    case 'card':
      return <Card card={json} />;
    case 'carousel':
      return <Carousel block={json} />;
    case 'alert':
      return <Alert block={json} />;
    case 'container':
      return <Container block={json}>{(children) => <Blocks blocks={children} />}</Container>;
    case 'video':
      return <Video block={json} />;
    default:
      return <RawBlock block={block} why={`The page has no drawing for “${string(json.type) || 'a block without a type'}”`} />;
  }
}

function Section({ block }: { block: Json }) {
  const fields = list(block.fields);
  return (
    <div class="section">
      <div class="section-body">
        {block.text !== undefined && <Text of={block.text} />}
        {fields.length > 0 && (
          <div class="fields">
            {fields.map((field) => (
              <div class="field">
                <Text of={field} />
              </div>
            ))}
          </div>
        )}
      </div>
      {block.accessory !== undefined && (
        <div class="accessory">
          <Element element={block.accessory} blockId={string(block.block_id)} />
        </div>
      )}
    </div>
  );
}

function Context({ block }: { block: Json }) {
  return (
    <div class="context">
      {list(block.elements).map((element) =>
        record(element).type === 'image' ? (
          <Picture image={record(element)} class="context-image" />
        ) : (
          <span class="context-text">
            <Text of={element} />
          </span>
        ),
      )}
    </div>
  );
}

function RawBlock({ block, why }: { block: unknown; why: string }) {
  return (
    <div class="raw-block">
      <p class="raw-why">{why}. What was posted:</p>
      <pre class="text-pre">{JSON.stringify(block, null, 2)}</pre>
    </div>
  );
}
