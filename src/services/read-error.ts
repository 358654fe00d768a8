/** Reads the error bodies Databricks, MLflow and what stands before them send: four JSON shapes, `CODE: message`, HTML, plain words, nothing. */
export function readError(body: string): { code: string | null; words: string | null } {
  const text = body.trim();
  if (!text) return { code: null, words: 'it gave no reason.' };
  const json = asObject(text);
  if (json) {
    const code = json['error_code'] ?? json['errorCode'] ?? json['scimType'] ?? (json['error_description'] ? json['error'] : undefined);
    const words = json['message'] ?? json['error_description'] ?? json['errorSummary'] ?? json['detail'] ?? json['error'];
    return { code: isWord(code) ? String(code) : null, words: typeof words === 'string' && words ? sentence(words) : null };
  }
  if (text.startsWith('<')) {
    const pre = /<pre>([\s\S]*?)<\/pre>/i.exec(text)?.[1] ?? /<title>([\s\S]*?)<\/title>/i.exec(text)?.[1];
    return { code: null, words: pre ? sentence(pre.replace(/<[^>]*>/g, ' ')) : 'it answered an HTML page.' };
  }
  const coded = /^([A-Z][A-Z0-9_]+): ([\s\S]+)$/.exec(text);
  return coded ? { code: coded[1] ?? null, words: sentence(coded[2] ?? '') } : { code: null, words: sentence(text) };
}

function asObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

const isWord = (code: unknown) => (typeof code === 'string' && /^[\w.-]{1,80}$/.test(code)) || typeof code === 'number';

/** One line of at most 300 characters that ends as a sentence does. */
function sentence(text: string): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim();
  const short = line.length > 300 ? `${line.slice(0, 299)}…` : line;
  return /[.!?…]$/.test(short) ? short : `${short}.`;
}
