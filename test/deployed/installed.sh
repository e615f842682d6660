#!/usr/bin/env bash
# Packs this package, puts it where an app of somebody else's would have it, and synthesizes that app: plain JavaScript,
# with bundles. Its dependencies are linked from here instead of being installed once more.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
app=$(mktemp -d)
trap 'rm -rf "$app"' EXIT
cd "$root"
npm pack --silent --pack-destination "$app" >/dev/null
mkdir -p "$app/node_modules/token-refresher"
tar -xzf "$app"/token-refresher-*.tgz -C "$app/node_modules/token-refresher" --strip-components=1
for package in node_modules/* node_modules/.bin; do ln -s "$root/$package" "$app/node_modules/"; done
cd "$app"
echo '{ "name": "somebody-elses", "private": true }' >package.json
cat >app.js <<'JS'
const { App, Stack } = require('aws-cdk-lib');
const { User } = require('aws-cdk-lib/aws-iam');
const { createTokenClient, fakeSource } = require('token-refresher/client');
const { TokenRefresher } = require('token-refresher/infra');
const stack = new Stack(new App(), 'Mine');
const tokens = new TokenRefresher(stack, 'Tokens', { providers: { officernd: { schedules: 2 } } });
tokens.grantRead(new User(stack, 'Reader'), 'officernd/acme');
createTokenClient({ source: fakeSource({ 'officernd/acme': {} }) }).get('officernd/acme');
JS
npx cdk synth --quiet --app 'node app.js' 2>synth.log || { cat synth.log; exit 1; }
for function in Refresh/officernd Watch/Watch Api/Api; do
  grep -q "Bundling asset Mine/Tokens/${function}Function/" synth.log || { cat synth.log; exit 1; }
done
test -s cdk.out/Mine.template.json
echo 'an app that has the package installed synthesizes, bundles and all'
