/** Does something at once, and again so many ms after it was done, well or badly: two rounds never overlap. No process lives on for it. */
export function every(ms: number | (() => number), work: () => Promise<unknown>, failed: (error: unknown) => void): { stop(): void } {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const round = async () => {
    await work().catch(failed);
    if (!stopped) timer = setTimeout(() => void round(), typeof ms === 'number' ? ms : ms()).unref();
  };
  void round();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
