/** What the app listens to; the manifest has to ask Slack for exactly this. */
export const LISTENERS = {
  command: '/experiment',
  events: ['app_mention', 'message'],
  actions: ['approve_call', 'deny_call', 'show_call', 'withdraw_approval', 'stop_session', 'retry_step', 'change_session', 'answer_person'],
  views: ['deny_reason'],
  shortcuts: ['run_as_experiment'],
} as const;
