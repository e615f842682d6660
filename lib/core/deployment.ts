/** The default name of a deployment. Two deployments in one account and region need two names. */
export const DEFAULT_NAME = 'token-refresher';

/**
 * Up to 40 lower-case letters, digits and hyphens, since it is part of the names of secrets, alarms and metrics.
 * `default` is reserved: each account already has a schedule group of that name.
 */
export const isDeploymentName = (text: string): boolean => /^[a-z][a-z0-9-]{0,39}$/.test(text) && text !== 'default';

/** The prefix of the names of a deployment's secrets. The slash keeps `shop` apart from `shop-staging`. */
export const secretPrefixOf = (name: string): string => `${name}/`;
