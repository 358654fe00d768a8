import type { Answered, Asked } from '../stand-in.ts';
import { isJson } from './messages.ts';
import { agents } from './methods/agents.ts';
import { chat } from './methods/chat.ts';
import { conversations } from './methods/conversations.ts';
import { files } from './methods/files.ts';
import { type Answer, type Call, type Method, no } from './methods/method.ts';
import { people } from './methods/people.ts';
import { stream } from './methods/stream.ts';
import { views } from './methods/views.ts';
import type { Json } from './world.ts';

const methods: Record<string, Method> = { ...chat, ...stream, ...conversations, ...people, ...views, ...files, ...agents };
/** These fields travel as JSON in a text. */
const nested = ['blocks', 'attachments', 'chunks', 'view', 'metadata', 'files', 'prompts', 'unfurls'];

export type Tokens = { bot: string; app: string };

/** Answers one call of the Web API. Whatever goes wrong is a 200 with `ok: false`, as at Slack. */
export function callMethod(name: string, asked: Asked, tokens: Tokens, call: Omit<Call, 'args'>): Answered {
  const args = argumentsOf(asked);
  const answer = refuseToken(name, asked, args, tokens) ?? (args ? run(name, { ...call, args }) : no('invalid_form_data'));
  return { body: answer, headers: { 'x-slack-req-id': call.world.nextId('R') } };
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

function refuseToken(name: string, asked: Asked, args: Json | null, tokens: Tokens): Answer | null {
  const token = asked.headers.authorization?.replace(/^Bearer /i, '') ?? args?.['token'];
  if (!token) return no('not_authed');
  if (token !== tokens.bot && token !== tokens.app) return no('invalid_auth');
  const wanted = name === 'apps.connections.open' ? tokens.app : tokens.bot;
  return token === wanted ? null : no('not_allowed_token_type');
}
