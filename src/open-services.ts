import type { AnyConfig } from './config.ts';
import type { MLflowConfig } from './config-backends.ts';
import { databricks } from './services/databricks.ts';
import { type Authorization, databricksAuth } from './services/databricks-auth.ts';
import { github } from './services/github.ts';
import { grafana } from './services/grafana.ts';
import { type MlflowLogin, mlflow } from './services/mlflow.ts';
import { slackService } from './services/slack.ts';
import type { Services } from './tools/define-tool.ts';

/** A client for each backend that is configured; the others are undefined, and with them their tools. Nothing is connected yet. */
export function openServices({ backends, slack }: Pick<AnyConfig, 'backends' | 'slack'>): Services {
  // MLflow on Databricks shares the login, so that one token serves both and is renewed once.
  const login = backends.databricks ? databricksAuth(backends.databricks) : undefined;
  return {
    databricks: backends.databricks && databricks({ ...backends.databricks, authorization: login }),
    mlflow: backends.mlflow && mlflow(mlflowLogin(backends.mlflow, login)),
    github: backends.github && github(backends.github),
    grafana: backends.grafana && grafana(backends.grafana),
    slack: slack ? slackService({ token: slack.botToken, apiUrl: slack.apiUrl }) : undefined,
  };
}

function mlflowLogin(config: MLflowConfig, login: Authorization | undefined): MlflowLogin {
  if ('databricks' in config) return { uri: config.uri, authorization: login ?? databricksAuth(config.databricks) };
  if ('username' in config) return { uri: config.uri, username: config.username, password: config.password };
  return 'token' in config ? { uri: config.uri, token: config.token } : { uri: config.uri };
}
