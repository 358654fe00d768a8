import type { TopLevelSpec } from 'vega-lite';

/** No font was found on this machine, so a chart would have lines but no words. Never shown as if it were whole. */
export class FontMissing extends Error {
  constructor() {
    super('No font is installed where labmate runs, so a chart would lose all its text. Install one, e.g. the package fonts-dejavu-core.');
    this.name = 'FontMissing';
  }
}

export type RenderOptions = {
  /** Pixels across; default 1440. */
  width?: number;
  /** For a machine without fonts of its own: files to use instead. */
  fontFiles?: string[];
  /** Default true. */
  systemFonts?: boolean;
};

/**
 * Draws a vega-lite spec as PNG without a browser. Throws FontMissing rather than drawing a chart without words.
 * The three libraries weigh 34 MB, so they are loaded when the first chart is drawn.
 */
export async function renderPng(spec: TopLevelSpec, options: RenderOptions = {}): Promise<Uint8Array> {
  const [vega, { compile }, { Resvg }] = await Promise.all([import('vega'), import('vega-lite'), import('@resvg/resvg-js')]);
  const font = { loadSystemFonts: options.systemFonts ?? true, fontFiles: options.fontFiles ?? [] };
  const drawsText = new Resvg(
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><text x="4" y="30" font-family="sans-serif" font-size="20">M</text></svg>',
    { font },
  );
  if (!drawsText.getBBox()) throw new FontMissing();

  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: 'none', logLevel: vega.Error });
  try {
    const svg = await view.toSVG();
    return new Resvg(svg, { font, background: 'white', fitTo: { mode: 'width', value: options.width ?? 1440 } }).render().asPng();
  } finally {
    view.finalize();
  }
}
