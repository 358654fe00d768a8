/**
 * Epoch ms of an ISO 8601 date or time with Z, an offset or no zone at all, which is read as UTC; null where it is none. `Date.parse` alone makes a time of almost
 * anything ("4", "tomorrow 5"), and reads one without a zone in that of our process.
 */
export function isoTime(text: string): number | null {
  const found = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:Z|([+-]\d\d):?(\d\d))?)?$/i.exec(text.trim());
  const [, date = '', time = '00:00', hours, minutes] = found ?? [];
  const day = Date.parse(`${date}T00:00Z`);
  // The thirtieth of February would be a day in March.
  if (!found || Number.isNaN(day) || !new Date(day).toISOString().startsWith(date)) return null;
  const moment = Date.parse(`${date}T${time}${hours ? `${hours}:${minutes}` : 'Z'}`);
  return Number.isNaN(moment) ? null : moment;
}
