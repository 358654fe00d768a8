import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api';
import { UpstreamError } from './http.ts';

/** Slack's word for "these blocks are not right": the caller may send the same message plainer. */
export const UNSHOWABLE = new Set(['invalid_blocks', 'invalid_blocks_format', 'msg_blocks_too_long', 'msg_too_long', 'invalid_attachments']);

/** It is about this one message or what it hangs on: the same would be refused again. What stands in no list may pass. */
export const FINAL = new Set([
  ...UNSHOWABLE,
  ...['message_not_found', 'thread_not_found', 'cant_update_message', 'edit_window_closed', 'cannot_reply_to_message', 'block_mismatch', 'no_text'],
  ...['invalid_metadata_format', 'invalid_metadata_schema', 'metadata_too_large', 'invalid_arguments', 'invalid_arg_name', 'invalid_array_arg'],
]);

/** A stream that is over or a message that stays or is gone, whatever comes: a workspace that takes streams back has ended them, too. */
export const OVER = new Set([
  ...FINAL,
  ...['message_not_in_streaming_state', 'message_not_owned_by_app', 'cant_delete_message', 'compliance_exports_prevent_deletion', 'invalid_chunks'],
  ...['unknown_method', 'method_deprecated', 'feature_not_enabled'],
]);

/** This workspace, or this app in it, has no such thing: asking again soon is of no use, and nothing else is wrong. */
export const LACKING = new Set(['unknown_method', 'not_authorized', 'missing_scope', 'feature_not_enabled', 'not_allowed', 'method_deprecated']);

/** Where nobody of ours may speak for now. Somebody can open it again: unarchive, invite, install, end a migration. */
export const SHUT = new Set([
  ...['is_archived', 'not_in_channel', 'channel_not_found', 'restricted_action', 'ekm_access_denied', 'message_limit_exceeded', 'org_login_required'],
  ...['token_revoked', 'token_expired', 'account_inactive', 'invalid_auth', 'not_authed'],
]);

/** What Slack says against the blocks of a message, and which of them it means. */
export function againstBlocks(error: UpstreamError): { messages: string[]; at: number[] } {
  const { cause } = error;
  const messages = cause instanceof WebAPIPlatformError ? (cause.data.response_metadata?.messages ?? []) : [];
  return { messages, at: [...new Set(messages.flatMap((text) => /\/blocks\/(\d+)/.exec(text)?.[1] ?? []).map(Number))] };
}

/** Slack has trouble of its own; the same call may work later. */
const PASSING = new Set([
  ...['internal_error', 'fatal_error', 'service_unavailable', 'request_timeout', 'team_added_to_org'],
  // Beside HTTP 429, chat.postMessage has words of its own for it.
  ...['ratelimited', 'rate_limited', 'message_limit_exceeded'],
]);

const SENTENCES: Record<string, string> = {
  channel_not_found: 'Slack does not show this channel to the app. Invite it with /invite, or check the channel id.',
  not_in_channel: 'The app is not a member of this channel. Invite it with /invite.',
  is_archived: 'The channel is archived.',
  restricted_action: 'A workspace setting forbids the app to post there.',
  invalid_auth: 'Slack refused SLACK_BOT_TOKEN. Install the app again and set the new token.',
  not_authed: 'SLACK_BOT_TOKEN is missing.',
  account_inactive: 'The app was removed from the workspace, or its token was revoked. Install it again.',
  token_revoked: 'SLACK_BOT_TOKEN was revoked. Install the app again and set the new token.',
  token_expired: 'SLACK_BOT_TOKEN has expired. Install the app again and set the new token.',
  org_login_required: 'The workspace is being moved to another organization; Slack lets nobody in until that is done.',
  ekm_access_denied: 'Administrators of the workspace have suspended posting.',
  message_limit_exceeded: 'The workspace has sent more messages than Slack takes from it.',
  missing_scope: "The app's token lacks a permission. Install the app again with the scopes of manifest.yml.",
  not_allowed_token_type: 'This kind of token is not allowed here. SLACK_BOT_TOKEN begins with xoxb-, SLACK_APP_TOKEN with xapp-.',
  expired_trigger_id: 'Slack closed the window for opening this dialog. Click once more.',
  invalid_blocks: 'Slack does not accept the blocks of this message.',
  msg_blocks_too_long: "The message's blocks are too long for Slack.",
};

/** Turns what the Slack SDK throws into a sentence, and says whether waiting helps. */
export function slackError(method: string, error: unknown): UpstreamError {
  const cause = { cause: error };
  if (error instanceof UpstreamError) return error;
  if (error instanceof WebAPIRateLimitedError) {
    return new UpstreamError(
      `Slack limits ${method}; it asks to wait ${error.retryAfter} s.`,
      { upstream: 'Slack', status: 429, code: 'ratelimited', transient: true, retryAfterMs: error.retryAfter * 1000 },
      cause,
    );
  }
  if (error instanceof WebAPIPlatformError) {
    const code = error.data.error;
    // The SDK takes what is no JSON, half an answer or somebody's page, for Slack's word. It says nothing of what was done.
    if (!/^[\w.:-]{1,80}$/.test(code)) {
      const said = `Slack's answer to ${method} could not be read.`;
      return new UpstreamError(said, { upstream: 'Slack', status: 0, code: 'NOT_JSON', transient: true }, cause);
    }
    const sentence = SENTENCES[code] ?? `Slack refused ${method}: ${code}.`;
    return new UpstreamError(sentence, { upstream: 'Slack', status: 200, code, transient: PASSING.has(code) }, cause);
  }
  if (error instanceof WebAPIHTTPError) {
    const transient = error.statusCode >= 500 || error.statusCode === 429 || error.statusCode === 408;
    return new UpstreamError(`Slack answered ${method} with HTTP ${error.statusCode}.`, { upstream: 'Slack', status: error.statusCode, transient }, cause);
  }
  if (error instanceof WebAPIRequestError) {
    return new UpstreamError(`Slack did not answer ${method}.`, { upstream: 'Slack', status: 0, transient: true }, cause);
  }
  return new UpstreamError(`Slack could not be asked (${method}).`, { upstream: 'Slack', status: 0, transient: true }, cause);
}
