/** The name of a deployment, if it sets no other. Two in one account and region have two names. */
export const DEFAULT_NAME = 'token-refresher';

/**
 * Lower-case letters, digits and hyphens, up to 40: it is a part of the names of secrets, alarms and metrics. A schedule group
 * cannot be called `default`: each account has one.
 */
export const isDeploymentName = (text: string): boolean => /^[a-z][a-z0-9-]{0,39}$/.test(text) && text !== 'default';

/** What the names of a deployment's secrets begin with. The slash keeps `shop` apart from `shop-staging`. */
export const secretPrefixOf = (name: string): string => `${name}/`;
