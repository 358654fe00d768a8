import { writeFileSync } from 'node:fs';

/** Writes down that something failed outside every test, which a report as JSON does not say. */
export default class OutsideErrors {
  onTestRunEnd(_files, errors) {
    if (errors.length > 0) writeFileSync(process.env.LABMATE_OUTSIDE_ERRORS, `${errors.length}\n`);
  }
}
