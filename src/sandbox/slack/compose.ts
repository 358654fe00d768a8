import { app } from './seed.ts';
import type { World } from './world.ts';

/**
 * What Slack makes of typed text: `& < >` are escaped, `@sam` becomes `<@U2>` and `#random` `<#C0RANDOM|random>`.
 * References that are written out already stay. Commands carry names in their mentions too (`should_escape`).
 */
export function compose(world: World, typed: string, options: { namesInMentions: boolean } = { namesInMentions: false }): string {
  const { users, channels, groups } = world.data;
  const mention = (id: string, name: string) => (options.namesInMentions ? `<@${id}|${name}>` : `<@${id}>`);
  return typed.replace(/<[@#!][^<>\s]+>|[@#][\w.-]+|[&<>]/g, (part) => {
    if (part === '&') return '&amp;';
    if (part === '<') return '&lt;';
    if (part === '>') return '&gt;';
    if (part.startsWith('<')) return part;
    const name = part.slice(1).replace(/[.-]+$/, '');
    const rest = part.slice(1 + name.length);
    if (part.startsWith('#')) {
      const channel = channels.find((c) => !c.im && c.name === name);
      return channel ? `<#${channel.id}|${channel.name}>${rest}` : part;
    }
    const user = users.find((u) => u.name === name.toLowerCase());
    if (user) return mention(user.id, user.name) + rest;
    const group = groups.find((g) => g.handle === name);
    return group ? `<!subteam^${group.id}|@${group.handle}>${rest}` : part;
  });
}

export function mentionsBot(text: string): boolean {
  return text.includes(`<@${app.bot}>`) || text.includes(`<@${app.bot}|`);
}
