/** As much of a logger as this folder needs. */
export type Log = Record<'debug' | 'info' | 'warn' | 'error', (facts: object, text: string) => void>;
