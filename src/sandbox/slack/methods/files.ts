import { messageEvent } from '../events.ts';
import { isJson, postMessage } from '../messages.ts';
import { app } from '../seed.ts';
import type { StoredFile } from '../world.ts';
import { blocksOf } from './chat.ts';
import { channelOf, type Method, no, text } from './method.ts';

const types: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  svg: 'image/svg+xml',
  json: 'application/json',
  jsonl: 'application/jsonl',
  md: 'text/markdown',
};

export const files: Record<string, Method> = {
  'files.getUploadURLExternal': ({ world, args, origin }) => {
    const name = text(args, 'filename');
    const size = Number(text(args, 'length'));
    if (!name || !(size > 0)) return no('invalid_arguments');
    const id = world.nextId('F');
    const mimetype = types[name.split('.').at(-1)?.toLowerCase() ?? ''] ?? 'text/plain';
    world.data.files.push({ id, name, title: name, alt: text(args, 'alt_text') ?? text(args, 'alt_txt') ?? '', mimetype, size, base64: '', shared: false });
    return { ok: true, upload_url: `${origin()}/upload/${id}`, file_id: id };
  },

  'files.completeUploadExternal': (call) => {
    const { world, args, origin } = call;
    const asked = Array.isArray(args['files']) ? args['files'].filter(isJson) : [];
    const found = asked.map((f) => ({ title: f['title'], file: world.data.files.find((stored) => stored.id === f['id'] && stored.base64 !== '') }));
    if (found.length === 0 || found.some(({ file }) => !file)) return no('file_not_found');
    const done = found.flatMap(({ file, title }) =>
      file ? [Object.assign(file, { title: typeof title === 'string' ? title : file.title, shared: true })] : [],
    );
    if (text(args, 'channel_id')) {
      const channel = channelOf(call, 'channel_id');
      if (!channel) return no('channel_not_found');
      const shown = done.map((f) => ({ name: f.name, title: f.title, alt: f.alt, mimetype: f.mimetype, url: fileUrl(origin(), f) }));
      const content = { text: text(args, 'initial_comment') ?? '', threadTs: text(args, 'thread_ts'), blocks: blocksOf(args), files: shown };
      const message = postMessage(world, { channel: channel.id, user: app.bot, subtype: 'file_share', ...content });
      call.emit(messageEvent(world, message));
    }
    world.changed();
    return {
      ok: true,
      files: done.map((f) => ({ id: f.id, name: f.name, title: f.title, mimetype: f.mimetype, size: f.size, url_private: fileUrl(origin(), f) })),
    };
  },
};

export function fileUrl(origin: string, file: StoredFile): string {
  return `${origin}/files/${file.id}/${encodeURIComponent(file.name)}`;
}
