import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type AxisChart, layoutChart, type PieChart, type Series } from './chart-layout.ts';
import { type Json, record, shownText, string } from './json.ts';

/** A data_visualization block as SVG, with its legend; the values are in tooltips and in the accessible name. */
export function Chart({ block }: { block: Json }) {
  const [figure, width] = useWidth();
  const layout = layoutChart(block.chart, width);
  const title = shownText(block.title);
  if (!layout) {
    return (
      <div class="raw-block">
        <p class="raw-why">A chart without values. What was posted:</p>
        <pre class="text-pre">{JSON.stringify(block, null, 2)}</pre>
      </div>
    );
  }
  const entries = layout.kind === 'pie' ? layout.segments.map((each) => `${each.label} ${percent(each.share)}`) : layout.series.map((each) => each.name);
  return (
    <figure class="chart" ref={figure} data-chart={string(record(block.chart).type)}>
      {title && <figcaption class="chart-title">{title}</figcaption>}
      <div class={layout.kind === 'pie' ? 'chart-pie' : 'chart-axes'}>
        {layout.kind === 'pie' ? <Pie chart={layout} title={title} /> : <Axes chart={layout} title={title} />}
        {(entries.length > 1 || layout.kind === 'pie' || entries[0]) && (
          <ul class="legend">
            {entries.map((entry, at) => (
              <li>
                <span class={`legend-dot fill-${at % 6}`} />
                {entry}
              </li>
            ))}
          </ul>
        )}
      </div>
    </figure>
  );
}

/** The room a chart has, so that its letters keep their size in a narrow window. */
function useWidth() {
  const figure = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(560);
  useLayoutEffect(() => {
    const watched = figure.current;
    if (!watched || typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(240, Math.round(entry?.contentRect.width ?? 560))));
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  return [figure, width] as const;
}

function Axes({ chart, title }: { chart: AxisChart; title: string }) {
  const { plot } = chart;
  return (
    <svg class="chart-svg" viewBox={`0 0 ${chart.width} ${chart.height}`} role="img" aria-label={spoken(title, chart.series)}>
      <title>{title}</title>
      {chart.yTicks.map((tick) => (
        <g>
          <line class="grid" x1={plot.left} x2={plot.right} y1={tick.at} y2={tick.at} />
          <text class="tick" x={plot.left - 8} y={tick.at + 4} text-anchor="end">
            {tick.label}
          </text>
        </g>
      ))}
      {chart.xTicks.map((tick) => (
        <text class="tick" x={tick.at} y={plot.bottom + 18} text-anchor="middle">
          {tick.label}
        </text>
      ))}
      {chart.xLabel && (
        <text class="axis-label" x={(plot.left + plot.right) / 2} y={chart.height - 6} text-anchor="middle">
          {chart.xLabel}
        </text>
      )}
      {chart.yLabel && (
        <text class="axis-label" x={12} y={(plot.top + plot.bottom) / 2} text-anchor="middle" transform={`rotate(-90 12 ${(plot.top + plot.bottom) / 2})`}>
          {chart.yLabel}
        </text>
      )}
      {chart.series.map((series, at) => (
        <Marks kind={chart.kind} series={series} color={at % 6} />
      ))}
      <line class="axis" x1={plot.left} x2={plot.right} y1={plot.bottom} y2={plot.bottom} />
    </svg>
  );
}

function Marks({ kind, series, color }: { kind: AxisChart['kind']; series: Series; color: number }) {
  const tip = (label: string, value: number) => `${series.name} · ${label}: ${value}`;
  if (kind === 'bar') {
    return (
      <g class={`fill-${color}`}>
        {series.bars.map((bar) => (
          <rect x={bar.x} y={bar.y} width={bar.width} height={bar.height} rx={2}>
            <title>{tip(bar.point.label, bar.point.value)}</title>
          </rect>
        ))}
      </g>
    );
  }
  return (
    <g>
      {kind === 'area' && <path class={`chart-area fill-${color}`} d={series.area} />}
      <path class={`chart-line stroke-${color}`} d={series.line} />
      {series.points.map((point) => (
        <circle class={`chart-dot fill-${color}`} cx={point.x} cy={point.y} r={3}>
          <title>{tip(point.label, point.value)}</title>
        </circle>
      ))}
    </g>
  );
}

function Pie({ chart, title }: { chart: PieChart; title: string }) {
  const words = chart.segments.map((each) => `${each.label} ${percent(each.share)}`).join(', ');
  return (
    <svg class="pie-svg" viewBox={`-2 -2 ${chart.size + 4} ${chart.size + 4}`} role="img" aria-label={`${title}: ${words}`}>
      <title>{title}</title>
      {chart.segments.map((segment, at) => (
        <path class={`pie-part fill-${at % 6}`} d={segment.path}>
          <title>{`${segment.label}: ${segment.value} (${percent(segment.share)})`}</title>
        </path>
      ))}
    </svg>
  );
}

function spoken(title: string, series: Series[]): string {
  return `${title}: ${series.map((each) => `${each.name}, ${each.points.map((point) => `${point.label} ${point.value}`).join(', ')}`).join('; ')}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
