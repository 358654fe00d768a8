import type { ParseArgsOptionsConfig, parseArgs } from 'node:util';

export function readOptions<const T extends ParseArgsOptionsConfig>(usage: string, options: T): ReturnType<typeof parseArgs<{ options: T }>>['values'];
export function mistaken(usage: string, why: string): never;
