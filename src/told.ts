/** A mistake that is told in one sentence and needs no stack. */
export class Told extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'Told';
    this.exitCode = exitCode;
  }
}
