const PROPER: Readonly<Record<string, string>> = { databricks: 'Databricks', mlflow: 'MLflow', grafana: 'Grafana', github: 'GitHub', slack: 'Slack' };

/** A backend as a person knows it: "Databricks". Records, messages and errors name it so; breakers and metrics by the same word in small letters. */
export function properName(backend: string): string {
  return PROPER[backend] ?? backend.replace(/^mcp server /, 'MCP server ');
}
