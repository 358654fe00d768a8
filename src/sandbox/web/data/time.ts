/** Slack's `ts` as the reader's clock: `9:41 AM`. */
export function clock(ts: string): string {
  return when(ts).toLocaleTimeString(undefined, { hour: 'numeric', minute: '2-digit' });
}

/** The day a message belongs under: `Today`, `Yesterday` or the date. */
export function day(ts: string, now: Date): string {
  const date = when(ts);
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return date.toLocaleDateString(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
}

export function full(ts: string): string {
  return when(ts).toLocaleString();
}

function when(ts: string): Date {
  return new Date(Number(ts) * 1000);
}

function midnight(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
