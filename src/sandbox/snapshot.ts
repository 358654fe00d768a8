import type { SandboxMessage, Snapshot } from './control-types.ts';
import { fileUrl } from './slack/methods/files.ts';
import { app, team } from './slack/seed.ts';
import type { World } from './slack/world.ts';

/** The workspace as the page, the scenarios and the tests see it. A view of the world; nothing in it is shared with it. */
export function snapshotOf(world: World, origin: string, about: { banner: string; simulated: Snapshot['simulated'] }): Snapshot {
  const { version, users, channels, groups, messages, modals, homes, statuses, prompts } = world.data;
  const onScreen = modals.filter((modal) => modals.findLast((m) => m.user === modal.user) === modal);
  const withPictures = (value: unknown) => showFiles(value, world, origin);
  return structuredClone({
    version,
    team: team.id,
    bot: app.bot,
    users,
    channels,
    messages: messages.map(
      ({ subtype: _, reactions: __, streaming: ___, ...message }): SandboxMessage => ({ ...message, blocks: message.blocks.map(withPictures) }),
    ),
    modals: onScreen.map((modal) => ({ ...modal, view: withPictures(modal.view) })),
    homes,
    groups,
    statuses,
    prompts,
    banner: about.banner,
    simulated: about.simulated,
  });
}

/** An image that names an uploaded file gets the address it can be fetched from. */
function showFiles(value: unknown, world: World, origin: string): unknown {
  if (Array.isArray(value)) return value.map((item) => showFiles(item, world, origin));
  if (typeof value !== 'object' || value === null) return value;
  const shown = Object.fromEntries(Object.entries(value).map(([key, v]) => [key, showFiles(v, world, origin)]));
  const id = (shown['slack_file'] as { id?: string } | undefined)?.id;
  const file = shown['type'] === 'image' && id ? world.data.files.find((f) => f.id === id) : undefined;
  return file ? { ...shown, image_url: fileUrl(origin, file) } : shown;
}
