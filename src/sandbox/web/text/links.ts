/** The address if a browser may open it from a message, else null: only the web and mail, so `javascript:` stays text. */
export function safeUrl(url: string): string | null {
  return /^(https?:\/\/|mailto:)[^\s]+$/i.test(url) ? url : null;
}

/** Undoes the three escapes Slack knows; `&amp;` last, so that `&amp;lt;` shows as `&lt;`. */
export function unescapeSlack(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
