import { isJson, named } from './messages.ts';
import { app, team } from './seed.ts';
import { refuseView } from './validate-view.ts';
import type { Json, OpenModal, World } from './world.ts';

/** Makes a view out of what the app gave: with its id, a new hash, and every block named. */
export function newView(world: World, given: Json, earlier?: Json): Json {
  return {
    private_metadata: '',
    callback_id: '',
    submit: null,
    close: null,
    clear_on_close: false,
    notify_on_close: false,
    previous_view_id: null,
    ...given,
    id: earlier?.['id'] ?? world.nextId('V'),
    root_view_id: earlier?.['root_view_id'] ?? null,
    team_id: team.id,
    app_id: app.id,
    bot_id: app.botId,
    app_installed_team_id: team.id,
    external_id: given['external_id'] ?? '',
    hash: world.nextId('h'),
    state: { values: {} },
    blocks: named(world, (given['blocks'] as Json[] | undefined) ?? []),
  };
}

/** A person's modals, the one on screen last. */
export function stackOf(world: World, user: string): OpenModal[] {
  return world.data.modals.filter((m) => m.user === user);
}

export function findModal(world: World, id: string): OpenModal | null {
  return world.data.modals.find((m) => m.id === id || (m.view['external_id'] !== '' && m.view['external_id'] === id)) ?? null;
}

/** Opens a modal in place of all the person has open. */
export function openModal(world: World, user: string, given: Json): Json {
  world.data.modals = world.data.modals.filter((m) => m.user !== user);
  return pushModal(world, user, given);
}

export function pushModal(world: World, user: string, given: Json): Json {
  const below = stackOf(world, user).at(-1);
  const view = newView(world, given);
  view['previous_view_id'] = below?.id ?? null;
  view['root_view_id'] = below?.view['root_view_id'] ?? view['id'];
  world.data.modals.push({ id: String(view['id']), user, view, errors: {} });
  world.changed();
  return view;
}

export function updateModal(world: World, modal: OpenModal, given: Json): Json {
  modal.view = newView(world, given, modal.view);
  modal.errors = {};
  world.changed();
  return modal.view;
}

export function closeModal(world: World, modal: OpenModal, all = false): void {
  world.data.modals = world.data.modals.filter((m) => (all ? m.user !== modal.user : m !== modal));
  world.changed();
}

/** Does what the app's ack to a submission says. Gives the error a person would see, or null. */
export function applySubmission(world: World, modal: OpenModal, answer: unknown): string | null {
  const body = isJson(answer) ? answer : {};
  const action = body['response_action'];
  if (action === 'errors') {
    modal.errors = Object.fromEntries(Object.entries(isJson(body['errors']) ? body['errors'] : {}).map(([k, v]) => [k, String(v)]));
    world.changed();
    return 'the form has errors';
  }
  if (action === 'clear') closeModal(world, modal, true);
  else if (action === 'update' || action === 'push') {
    const refusal = refuseView(body['view']);
    if (refusal) return `Slack could not show the next view: ${refusal.messages.join('; ')}`;
    if (action === 'update') updateModal(world, modal, body['view'] as Json);
    else pushModal(world, modal.user, body['view'] as Json);
  } else closeModal(world, modal);
  return null;
}
