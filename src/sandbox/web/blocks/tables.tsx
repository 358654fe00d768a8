import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { type Json, list, number, record, shownText, string } from './json.ts';
import { RichText } from './rich-text.tsx';

/** A table block: the first row is its head; columns say how they are aligned and whether they wrap. */
export function Table({ block }: { block: Json }) {
  const settings = list(block.column_settings).map(record);
  const cellClass = (cell: unknown, column: number) => {
    const align = string(settings[column]?.align) || (record(cell).type === 'raw_number' ? 'right' : 'left');
    return `align-${align}${settings[column]?.is_wrapped === true ? '' : ' no-wrap'}`;
  };
  return <Rows rows={list(block.rows).map(list)} cellClass={cellClass} rowHeader={-1} />;
}

/** A data table: caption, numbers to the right, a few rows at a time. */
export function DataTable({ block }: { block: Json }) {
  const [page, setPage] = useState(0);
  const [head = [], ...body] = list(block.rows).map(list);
  const size = Math.max(1, number(block.page_size) ?? 5);
  const pages = Math.max(1, Math.ceil(body.length / size));
  const at = Math.min(page, pages - 1);
  const shown = body.slice(at * size, at * size + size);
  const cellClass = (_cell: unknown, column: number) => (body.some((row) => record(row[column]).type === 'raw_number') ? 'align-right' : 'align-left');
  return (
    <Rows
      rows={[head, ...shown]}
      cellClass={cellClass}
      rowHeader={number(block.row_header_column_index) ?? -1}
      caption={shownText(block.caption)}
      foot={
        pages > 1 && (
          <div class="pager">
            <button type="button" class="button button-small" disabled={at === 0} onClick={() => setPage(at - 1)}>
              Previous
            </button>
            <span>
              {at * size + 1}–{Math.min(body.length, at * size + size)} of {body.length} rows
            </span>
            <button type="button" class="button button-small" disabled={at === pages - 1} onClick={() => setPage(at + 1)}>
              Next
            </button>
          </div>
        )
      }
    />
  );
}

type RowsProps = {
  rows: unknown[][];
  cellClass: (cell: unknown, column: number) => string;
  rowHeader: number;
  caption?: string;
  foot?: ComponentChildren;
};

function Rows({ rows, cellClass, rowHeader, caption, foot }: RowsProps) {
  const [head = [], ...body] = rows;
  return (
    <div class="table-box">
      <div class="table-scroll">
        <table class="table">
          {caption && <caption>{caption}</caption>}
          <thead>
            <tr>
              {head.map((cell, column) => (
                <th scope="col" class={cellClass(cell, column)}>
                  <Cell cell={cell} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {body.map((row) => (
              <tr>
                {row.map((cell, column) =>
                  column === rowHeader ? (
                    <th scope="row" class={cellClass(cell, column)}>
                      <Cell cell={cell} />
                    </th>
                  ) : (
                    <td class={cellClass(cell, column)}>
                      <Cell cell={cell} />
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {foot}
    </div>
  );
}

function Cell({ cell }: { cell: unknown }) {
  const json = record(cell);
  if (json.type === 'rich_text') return <RichText block={json} />;
  if (json.type === 'raw_number') return <span class="number">{shownText(json.text) || string(json.value)}</span>;
  return <>{shownText(cell)}</>;
}
