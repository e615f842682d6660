import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { providersInFolder } from '../lib/definition-files.ts';
import { SettingsError, settingsErrors } from './options.ts';
import { contextFiles, withoutPersonal } from './personal-context.ts';
import { isForUs, settingsOf } from './settings.ts';
import { stackNameOf, TokenRefresherStack } from './stack.ts';

/** The app that `cdk deploy` in this folder deploys. Only this file reads context and `providers/`. */
try {
  const app = new App();
  const own = settingsErrors(() => providersInFolder(join(process.cwd(), 'providers')));
  const context = app.node.getAllContext();
  const project = withoutPersonal(context, contextFiles());
  for (const key of Object.keys(context).filter(each => !(each in project) && isForUs(each, own))) {
    console.error(`token-refresher: "${key}" of ~/.cdk.json is not used. Set it in cdk.json or with -c.`);
  }
  const settings = settingsOf(project, own);
  new TokenRefresherStack(app, stackNameOf(settings), settings);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  for (const line of error.message.split('\n')) console.error(`token-refresher: ${line}`);
  process.exitCode = 1;
}
