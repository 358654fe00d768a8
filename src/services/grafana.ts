export type Panel = { id: number; title: string; type: string; unit: string | null };
export type Series = { name: string; points: { time: number; value: number | null }[] };

/** Throws UpstreamError. Times are epoch ms. */
export type Grafana = {
  getDashboard(uid: string, signal?: AbortSignal): Promise<{ uid: string; title: string; url: string; panels: Panel[] }>;
  /** Null where no renderer is installed: Grafana then draws a placeholder that must not pass for the panel. */
  renderPanel(request: PanelQuery & { width: number; height: number }, signal?: AbortSignal): Promise<Uint8Array | null>;
  queryPanel(request: PanelQuery, signal?: AbortSignal): Promise<Series[]>;
  panelUrl(request: PanelQuery): string;
};

export type PanelQuery = { uid: string; panelId: number; from: number; to: number; variables?: Record<string, string> | undefined };
