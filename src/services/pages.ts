import { type HttpRequest, UpstreamError } from './http.ts';

/** More than any list of ours has; a server that always has another page is not followed beyond. */
const MOST = 1_000;

/**
 * Page after page, while the last one names another. A name that comes a second time would lead round for ever.
 * Throws what `get` throws, and an UpstreamError where there is no end.
 */
export async function* pages<T>(
  { upstream, what }: Pick<HttpRequest, 'upstream' | 'what'>,
  get: (token?: string) => Promise<T>,
  nextOf: (page: T) => string | null | undefined,
): AsyncGenerator<T> {
  const seen = new Set<string>();
  for (let token: string | undefined; ; ) {
    const page = await get(token);
    yield page;
    token = nextOf(page) || undefined;
    if (token === undefined) return;
    if (seen.has(token) || seen.size >= MOST)
      throw new UpstreamError(`Asked to ${what}, ${upstream} answered page after page without an end.`, {
        upstream,
        status: 200,
        code: 'ENDLESS_PAGES',
        transient: false,
      });
    seen.add(token);
  }
}

/** All of them at once. */
export async function allPages<T>(...of: Parameters<typeof pages<T>>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages(...of)) all.push(page);
  return all;
}
