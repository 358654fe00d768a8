/** What the app listens to; the manifest has to ask Slack for exactly this. */
export const LISTENERS = {
  command: '/experiment',
  events: ['app_mention', 'message'],
  home: 'app_home_opened',
  stopped: 'agent_session_stopped',
  /** The app was removed, or its token taken back. */
  revoked: ['app_uninstalled', 'tokens_revoked'],
  actions: [
    'approve_call',
    'approve_all',
    'deny_call',
    'edit_call',
    'show_call',
    'withdraw_approval',
    'raise_budget',
    'stop_session',
    'retry_step',
    'retry_all',
    'change_session',
    'cancel_run',
    'leave_run',
    'answer_person',
    'rerun_session',
    'rerun_changed',
    'start_experiment',
  ],
  views: ['deny_reason', 'edit_arguments', 'new_experiment', 'change_session'],
  /** On a message, and from anywhere. */
  shortcuts: { message: 'run_as_experiment', global: 'new_experiment' },
} as const;
