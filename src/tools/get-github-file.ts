import { z } from 'zod';
import { visible } from '../policy/outside-text.ts';
import { checkReadableRepository } from './allowed.ts';
import { done, readTool, ToolError } from './define-tool.ts';
import { checkPath, checkRef, checkRepository } from './repository-names.ts';

const MOST_CHARACTERS = 8_000;

export const getGithubFile = readTool({
  name: 'get_github_file',
  title: 'Read a file from GitHub',
  description:
    'Reads one text file of a repository, with the commit and the blob sha it has there. ' +
    'Use when a config, a script or a README is named. Not for files of a run (get_run_artifact). ' +
    `Long files are cut at ${MOST_CHARACTERS} characters; go on with offset.`,
  input: z.strictObject({
    repo: z.string().optional().describe('owner/name'),
    path: z.string(),
    ref: z.string().optional().describe('branch, tag or commit sha'),
    offset: z.number().int().min(0).default(0).describe('character to begin at'),
  }),
  output: z.looseObject({
    path: z.string(),
    ref: z.string(),
    sha: z.string(),
    size: z.number(),
    text: z.string(),
    truncated: z.boolean(),
    next_offset: z.number().optional(),
  }),
  needs: ['github'],

  async run({ repo = '', path, ref, offset }, ctx) {
    const hub = ctx.services.github;
    const name = repo || ctx.settings.defaults.repository;
    if (!name) throw new ToolError('NO_REPOSITORY', 'No repository was named and none is configured.', 'ask which repository, then pass repo as owner/name.');
    checkRepository(name);
    checkReadableRepository(name, ctx.settings);
    if (ref !== undefined) checkRef(ref);
    checkPath(path);

    const file = await hub.getFile({ repo: name, path, ref }, ctx.signal);
    if (!file) {
      const others = await hub.findFiles({ repo: name, name: path, ref }, ctx.signal);
      const next = others.length ? `one of these: ${others.slice(0, 10).join(', ')}.` : 'ask a person for the path; no file of that name is in the repository.';
      throw new ToolError('NOT_FOUND', `${name} has no file ${path}${ref ? ` at ${ref}` : ''}.`, next);
    }
    const where = `${name}/${file.path} at ${ref ?? 'the default branch'} (commit ${file.commit.slice(0, 7)}, blob ${file.sha.slice(0, 7)}, ${file.size} bytes)`;
    if (file.unreadable) {
      const why = file.unreadable === 'binary' ? 'is not text' : 'is larger than the 1 MB that can be read here';
      throw new ToolError('UNREADABLE', `${where} ${why}.`, "name it by its path and sha; its contents can't be shown.");
    }
    const text = file.text.slice(offset, offset + MOST_CHARACTERS).toWellFormed();
    const end = offset + text.length;
    const truncated = end < file.text.length;
    const rest = truncated ? `\n(${file.text.length - end} more characters; go on with offset ${end})` : '';
    return done(`${where}:\n${visible(text)}${rest}`, {
      repo: name,
      path: file.path,
      ref: ref ?? 'HEAD',
      commit: file.commit,
      sha: file.sha,
      size: file.size,
      text,
      truncated,
      ...(truncated ? { next_offset: end } : {}),
    });
  },
});
