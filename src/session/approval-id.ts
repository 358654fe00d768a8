/**
 * The id of a session's n-th question. What is asked stands in it, by the beginning of its digest: a question that is lost with a failover leaves its card in Slack, and a
 * click on that must not be the yes to another one in its place.
 */
export function approvalId(session: string, nth: number, digest: string): string {
  return `${session}/${nth}-${digest.slice(0, 12)}`;
}

/**
 * The id of the question that takes the place of this one when it is edited, to arguments of this digest: `.3-…` behind the first one's id after three edits. An
 * approval is edited at most once, so no other bears it, and however often a call is edited, it stays short.
 */
export function editedApproval(approval: string, digest: string): string {
  const [, first, edits = 0] = /^(.+?)(?:\.(\d+)-[0-9a-f]{12})?$/.exec(approval) ?? [];
  return `${first}.${Number(edits) + 1}-${digest.slice(0, 12)}`;
}

/** Whether it looks like one. Those that an older labmate gave had no digest, and `.1` or a digest behind them for each edit. */
export function isApprovalId(text: string): boolean {
  return /^[\w-]{1,100}\/\d{1,6}(-[0-9a-f]{12})?(\.(1|(\d{1,6}-)?[0-9a-f]{12})){0,50}$/.test(text);
}
