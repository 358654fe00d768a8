import { z } from 'zod';
import type { PullRequest } from './github.ts';

/** What we read of GitHub's answers. */

const sha = z.string().regex(/^[0-9a-f]{40}$/);
export const shaOf = z.object({ sha });
export const repoSchema = z.object({ default_branch: z.string(), private: z.boolean(), html_url: z.string() });
export const refSchema = z.object({ object: shaOf });
export const commitSchema = z.object({ sha, tree: shaOf });
export const fileSchema = z.object({
  type: z.string(),
  path: z.string(),
  sha,
  size: z.number(),
  encoding: z.string().optional(),
  content: z.string().optional(),
});
export const treeSchema = z.object({ tree: z.array(z.object({ path: z.string(), type: z.string() })) });
export const pullSchema = z.object({
  number: z.number(),
  html_url: z.string(),
  head: shaOf,
  body: z.string().nullable(),
  state: z.enum(['open', 'closed']),
});
export const writtenSchema = z.object({ content: z.object({ sha, html_url: z.string().nullish() }).nullable(), commit: shaOf });

export function pullOf(p: z.output<typeof pullSchema>): PullRequest {
  return { number: p.number, url: p.html_url, headSha: p.head.sha, body: p.body ?? '', state: p.state };
}

/** Above 1 MB the contents API sends no text. */
export function textOf(file: z.output<typeof fileSchema>): { text: string; unreadable?: 'binary' | 'too-large' } {
  if (file.encoding !== 'base64' || file.content === undefined) return { text: '', unreadable: 'too-large' };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(file.content, 'base64'));
    return text.includes('\0') ? { text: '', unreadable: 'binary' } : { text };
  } catch {
    return { text: '', unreadable: 'binary' };
  }
}
