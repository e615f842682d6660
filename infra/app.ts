import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { SettingsError } from './options.ts';
import { settingsOf } from './settings.ts';
import { stackNameOf, TokenRefresherStack } from './stack.ts';

/** What `cdk deploy` in this folder deploys. The only reader of context. */
try {
  const app = new App();
  const settings = settingsOf(app.node.getAllContext());
  new TokenRefresherStack(app, stackNameOf(settings), settings);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(`token-refresher: ${error.message}`);
  process.exitCode = 1;
}
