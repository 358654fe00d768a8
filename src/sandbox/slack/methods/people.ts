import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { SandboxUser } from '../../control-types.ts';
import { app, team } from '../seed.ts';
import type { Json } from '../world.ts';
import { type Method, no, page, text } from './method.ts';

export const people: Record<string, Method> = {
  'users.info': ({ world, args }) => {
    const user = world.data.users.find((u) => u.id === text(args, 'user'));
    return user ? { ok: true, user: described(user) } : no('user_not_found');
  },

  'users.list': ({ world, args }) => {
    const { items, response_metadata } = page(args, world.data.users, 200);
    return { ok: true, members: items.map(described), response_metadata };
  },

  'usergroups.list': ({ world }) => ({
    ok: true,
    usergroups: world.data.groups.map((g) => ({
      id: g.id,
      team_id: team.id,
      is_usergroup: true,
      handle: g.handle,
      name: g.name,
      users: g.users,
      user_count: g.users.length,
    })),
  }),

  'usergroups.users.list': ({ world, args }) => {
    const group = world.data.groups.find((g) => g.id === text(args, 'usergroup'));
    return group ? { ok: true, users: group.users } : no('no_such_subteam');
  },

  'auth.test': ({ origin }) => ({
    ok: true,
    url: `${origin()}/`,
    team: team.name,
    user: 'labmate',
    team_id: team.id,
    user_id: app.bot,
    bot_id: app.botId,
    is_enterprise_install: false,
  }),

  'bots.info': ({ args }) =>
    text(args, 'bot') === app.botId ? { ok: true, bot: { id: app.botId, app_id: app.id, name: 'labmate', user_id: app.bot } } : no('bot_not_found'),

  'apps.manifest.export': ({ args, installed }) =>
    text(args, 'app_id') === app.id ? { ok: true, manifest: installed.manifest ?? manifestFile() } : no('invalid_app_id'),

  'apps.connections.open': ({ socketUrl }) => {
    const url = socketUrl();
    return url ? { ok: true, url } : no('socket_mode_not_enabled');
  },
};

/** What the project says the app is. */
export function manifestFile(): Json {
  known ??= parse(readFileSync(new URL('../../../../manifest.yml', import.meta.url), 'utf8')) as Json;
  return known;
}
let known: Json | null = null;

function described(user: SandboxUser): Json {
  return {
    id: user.id,
    team_id: team.id,
    name: user.name,
    real_name: user.realName,
    deleted: user.deleted,
    is_bot: user.role === 'bot',
    is_restricted: user.guest,
    is_ultra_restricted: false,
    is_app_user: false,
    tz: 'Etc/UTC',
    profile: { real_name: user.realName, display_name: user.name, team: team.id },
  };
}
