import { ConfirmDialog } from '../blocks/confirm.tsx';
import { reset } from '../data/client.ts';
import type { Sandbox } from '../data/use-sandbox.ts';

export function ResetDialog({ sandbox, onDone }: { sandbox: Sandbox; onDone: () => void }) {
  const start = () => {
    reset()
      .then(() => {
        location.hash = '';
        location.reload();
      })
      .catch((error: unknown) => sandbox.say(error instanceof Error ? error.message : String(error)));
  };
  return (
    <ConfirmDialog
      confirm={{
        title: 'Start over?',
        text: 'Every message, training run and pull request of this sandbox is forgotten, for all its windows.',
        confirm: 'Start over',
        deny: 'Keep it',
        style: 'danger',
      }}
      onAnswer={(yes) => {
        onDone();
        if (yes) start();
      }}
    />
  );
}
