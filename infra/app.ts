import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { SettingsError } from './options.ts';
import { contextFiles, withoutPersonal } from './personal-context.ts';
import { isForUs, settingsOf } from './settings.ts';
import { stackNameOf, TokenRefresherStack } from './stack.ts';

/** What `cdk deploy` in this folder deploys. The only reader of context. */
try {
  const app = new App();
  const context = app.node.getAllContext();
  const own = withoutPersonal(context, contextFiles());
  for (const key of Object.keys(context).filter(each => !(each in own) && isForUs(each))) {
    console.error(`token-refresher: "${key}" of ~/.cdk.json is not used. Set it in cdk.json or with -c.`);
  }
  const settings = settingsOf(own);
  new TokenRefresherStack(app, stackNameOf(settings), settings);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(`token-refresher: ${error.message}`);
  process.exitCode = 1;
}
