export type Name = 'start' | 'sandbox' | 'mcp' | 'doctor' | 'manifest' | 'record' | 'records' | 'redraw' | 'step' | 'verify';
export declare const COMMANDS: Readonly<Record<Name, { usage: string; what: string; more?: readonly string[]; hidden?: true }>>;
export declare function answerAtOnce(argv: readonly string[]): { text: string; exitCode: number } | null;
