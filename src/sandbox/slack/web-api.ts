import type { Answered, Asked } from '../stand-in.ts';
import { isJson } from './messages.ts';
import { agents } from './methods/agents.ts';
import { chat } from './methods/chat.ts';
import { conversations } from './methods/conversations.ts';
import { files } from './methods/files.ts';
import { type Answer, type Call, type Installed, type Method, no } from './methods/method.ts';
import { manifestFile, people } from './methods/people.ts';
import { stream } from './methods/stream.ts';
import { views } from './methods/views.ts';
import type { Json } from './world.ts';

const methods: Record<string, Method> = { ...chat, ...stream, ...conversations, ...people, ...views, ...files, ...agents };
/** These fields travel as JSON in a text. */
const nested = ['blocks', 'attachments', 'chunks', 'view', 'metadata', 'files', 'prompts', 'unfurls'];

/** `config` reads the app's own set-up and nothing else. */
export type Tokens = { bot: string; app: string; config: string };

/** Answers one call of the Web API. Whatever goes wrong is a 200 with `ok: false`, as at Slack. */
export function callMethod(name: string, asked: Asked, tokens: Tokens, call: Omit<Call, 'args'>): Answered {
  const args = argumentsOf(asked);
  const { installed } = call;
  const answer = refuseToken(name, asked, args, tokens, installed) ?? (args ? run(name, { ...call, args }) : no('invalid_form_data'));
  return { body: answer, headers: { 'x-slack-req-id': call.world.nextId('R'), ...(answer.ok ? { 'x-oauth-scopes': scopesOf(installed).join(',') } : {}) } };
}

function run(name: string, call: Call): Answer {
  const method = methods[name];
  return method ? method(call) : no('unknown_method', { req_method: name });
}

/** The arguments of a call: a form with JSON in its nested fields, a JSON body, or the query. Null where a nested field is no JSON. */
export function argumentsOf(asked: Asked): Json | null {
  const given = { ...Object.fromEntries(asked.query), ...(isJson(asked.body) ? asked.body : {}) };
  try {
    for (const field of nested) if (typeof given[field] === 'string' && given[field] !== '') given[field] = JSON.parse(given[field]);
    return given;
  } catch {
    return null;
  }
}

function scopesOf({ scopes }: Installed): string[] {
  return scopes ?? (manifestFile() as { oauth_config: { scopes: { bot: string[] } } }).oauth_config.scopes.bot;
}

function refuseToken(name: string, asked: Asked, args: Json | null, tokens: Tokens, installed: Installed): Answer | null {
  const token = asked.headers.authorization?.replace(/^Bearer /i, '') ?? args?.['token'];
  if (!token) return no('not_authed');
  if (!Object.values(tokens).includes(String(token))) return no('invalid_auth');
  if (installed.revoked && token === tokens.bot) return no('token_revoked');
  const wanted = name === 'apps.connections.open' ? tokens.app : name.startsWith('apps.manifest.') ? tokens.config : tokens.bot;
  return token === wanted ? null : no('not_allowed_token_type');
}
