import { z } from 'zod';

/** A Databricks id in: digits as text, or a number small enough to be exact. Out: always text. */
export const databricksId = z
  .union([z.string().regex(/^\d{1,19}$/, 'a Databricks id, which is 1 to 19 digits; an MLflow run id (32 hex digits) is another thing'), z.int().nonnegative()])
  .transform(String);
