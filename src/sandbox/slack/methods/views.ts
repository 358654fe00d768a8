import { isJson } from '../messages.ts';
import { findModal, newView, openModal, pushModal, stackOf, updateModal } from '../modals.ts';
import { refuseView } from '../validate-view.ts';
import { type Answer, type Call, type Method, no, text } from './method.ts';

const deepestStack = 3;

export const views: Record<string, Method> = {
  'views.open': (call) => withTrigger(call, (user, view) => ({ ok: true, view: openModal(call.world, user, view) })),

  'views.push': (call) =>
    withTrigger(call, (user, view) =>
      stackOf(call.world, user).length >= deepestStack ? no('push_limit_reached') : { ok: true, view: pushModal(call.world, user, view) },
    ),

  'views.update': ({ world, args }) => {
    const modal = findModal(world, text(args, 'view_id') ?? text(args, 'external_id') ?? '');
    if (!modal) return no('not_found');
    if (text(args, 'hash') && text(args, 'hash') !== modal.view['hash']) return no('hash_conflict');
    return refused(args['view']) ?? { ok: true, view: updateModal(world, modal, args['view'] as Record<string, unknown>) };
  },

  'views.publish': ({ world, args }) => {
    const user = text(args, 'user_id') ?? '';
    if (!world.data.users.some((u) => u.id === user)) return no('user_not_found');
    const earlier = world.data.homes[user];
    if (text(args, 'hash') && earlier && text(args, 'hash') !== earlier['hash']) return no('hash_conflict');
    const refusal = refused(args['view']);
    if (refusal) return refusal;
    const view = newView(world, args['view'] as Record<string, unknown>, earlier);
    world.data.homes[user] = view;
    world.changed();
    return { ok: true, view };
  },
};

/** The view is looked at first: a bad view must not use the trigger up. */
function withTrigger({ args, tickets }: Call, open: (user: string, view: Record<string, unknown>) => Answer): Answer {
  const refusal = refused(args['view']);
  if (refusal) return refusal;
  const ticket = tickets.spendTrigger(text(args, 'trigger_id') ?? '');
  return 'error' in ticket ? no(ticket.error) : open(ticket.user, args['view'] as Record<string, unknown>);
}

function refused(view: unknown): Answer | null {
  const refusal = isJson(view) ? refuseView(view) : { error: 'invalid_arguments', messages: ['view must be an object'] };
  return refusal ? no(refusal.error, { response_metadata: { messages: refusal.messages.map((m) => `[ERROR] ${m}`) } }) : null;
}
