/** Whether a channel is somebody's direct messages with the app: Slack's ids of those begin with D. What is said there is that person's alone. */
export function isDirect(channel: string): boolean {
  return /^D[A-Z0-9]+$/.test(channel);
}
