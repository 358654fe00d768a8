import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a program to its end and gives its output; throws with its last words where it failed. */
export async function run(program: string, args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): Promise<string> {
  try {
    const { stdout } = await execute(program, [...args], { ...options, maxBuffer: 32 * 1024 * 1024 });
    return stdout;
  } catch (cause) {
    const words = cause instanceof Error && 'stderr' in cause && typeof cause.stderr === 'string' ? cause.stderr.trim().split('\n').slice(-2).join(' ') : '';
    throw new Error(`${program} ${args[0] ?? ''} failed${words ? `: ${words}` : ''}`, { cause });
  }
}
