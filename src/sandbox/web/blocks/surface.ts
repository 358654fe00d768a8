import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

/** What blocks need from around them: how ids are called, and where a click goes. */
export type Surface = {
  me: string;
  user(id: string): string | null;
  channel(id: string): string | null;
  group(id: string): { handle: string; mine: boolean } | null;
  /** Where on this page a link to a message leads; null for any other address. */
  permalink(url: string): string | null;
  people: { id: string; name: string }[];
  channels: { id: string; name: string }[];
  /** A person used an element. Null where nothing listens, as in a preview. */
  act: ((actionId: string, value: string | undefined) => void) | null;
};

const SurfaceContext = createContext<Surface>({
  me: '',
  user: () => null,
  channel: () => null,
  group: () => null,
  permalink: () => null,
  people: [],
  channels: [],
  act: null,
});

export const SurfaceProvider = SurfaceContext.Provider;

export function useSurface(): Surface {
  return useContext(SurfaceContext);
}

/** A state value as Slack sends it in `view.state.values`, such as `{type: 'plain_text_input', value: 'x'}`. */
export type StateValue = { [key: string]: unknown };

/** The form of an open modal: what has been typed, and what is wrong with it. */
export type Form = {
  valueOf(blockId: string, actionId: string): StateValue | null;
  change(blockId: string, actionId: string, value: StateValue): void;
  errorOf(blockId: string): string | null;
};

const FormContext = createContext<Form | null>(null);

export const FormProvider = FormContext.Provider;

export function useForm(): Form | null {
  return useContext(FormContext);
}
