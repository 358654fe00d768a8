import { changed, type PinStore, type Pins } from '../../src/agent/pins.ts';

/** The pins of one test, and what stands in them now. */
export function pinsInMemory(): PinStore & { now: ReadonlyMap<string, Pins> } {
  let pins: ReadonlyMap<string, Pins> = new Map();
  const set = (key: string, of: Pins) => {
    pins = new Map([...pins, [key, of]]);
  };
  return {
    get now() {
      return pins;
    },
    read: async () => pins,
    first: async (key, of) => {
      if (!pins.has(key)) set(key, of);
    },
    replace: async (key, changes) => set(key, { at: '', tools: changed(pins.get(key)?.tools ?? [], changes) }),
  };
}
