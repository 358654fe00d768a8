import type { SandboxUser } from '../../control-types.ts';

/** A coloured square with a person's initial; a flask for the app, another face for Slack's own bot. */
export function Avatar({ user, small = false }: { user: SandboxUser | undefined; small?: boolean }) {
  const bot = user?.role === 'bot' || user === undefined;
  const color = [...(user?.id ?? '')].reduce((sum, char) => sum + char.charCodeAt(0), 0) % 6;
  return (
    <span class={`avatar ${bot ? 'avatar-bot' : `avatar-${color}`}${small ? ' avatar-small' : ''}`} aria-hidden="true">
      {bot ? (user?.name === 'slackbot' ? '🤖' : '🧪') : user.realName.slice(0, 1).toUpperCase()}
    </span>
  );
}
