import { RemovalPolicy, Token } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { DEFAULT_NAME, isDeploymentName } from '../lib/core/deployment.ts';
import { CONNECTIONS_PER_SECRET } from '../lib/core/secret.ts';
import { mustBe, type ProviderOptions, plansOf, SettingsError, wholeNumber } from './options.ts';
import { RELEASE } from './release.ts';
import { email } from './setting-readers.ts';

/** The settings of a deployment; each has a default. */
export interface TokenRefresherProps {
  /**
   * Distinguishes deployments in one account and region: lower-case letters, digits and hyphens, up to 40. Secrets are
   * named `<name>/<provider>/…`, alarms `<name> attention` and so on. A second deployment with the same name fails,
   * since its schedule group exists already.
   *
   * @default 'token-refresher'
   */
  readonly name?: string;
  /**
   * The page that alarms and mails link to. It needs the anchors of docs/runbook.md.
   *
   * @default - the runbook of this release
   */
  readonly runbookUrl?: string;
  /**
   * The deployed providers with their settings: `{ officernd: {}, 'poweroffice-v2': { schedules: 4 } }`.
   *
   * @default - all of them, with the defaults of `ProviderOptions`
   */
  readonly providers?: Readonly<Record<string, ProviderOptions>>;
  /**
   * Receives alarms and the mails of the watch. AWS first sends a mail to confirm the address.
   *
   * @default - nobody, unless there is an `alarmTopic`
   */
  readonly alarmEmail?: string;
  /**
   * The topic for alarms and the mails of the watch. If it is encrypted, its key's policy must allow CloudWatch and the
   * watch function to use the key.
   *
   * @default - a new topic
   */
  readonly alarmTopic?: ITopic;
  /**
   * Whether to create a dashboard. It costs $3 a month beyond the three that are free.
   *
   * @default false
   */
  readonly dashboard?: boolean;
  /**
   * How long logs are kept.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;
  /**
   * Whether the tables and their key are kept or deleted with the stack. With `DESTROY` the tables have no deletion
   * protection.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Encrypts the tables and the alarm topic. Its policy must let IAM policies of the account grant its use. The policy
   * of an imported key must also let `cloudwatch.amazonaws.com` use `kms:Decrypt` and `kms:GenerateDataKey`, or alarms
   * do not arrive.
   *
   * @default - a new key with the alias of the deployment's name; it costs $1 a month
   */
  readonly encryptionKey?: IKey;
  /**
   * The VPC of the functions that call providers, for example to call them from a fixed address. They need a route to
   * the internet. The watch and the API call only AWS: they stay outside the VPC and report a broken route.
   *
   * @default - no VPC
   */
  readonly vpc?: IVpc;
  /**
   * The subnets of these functions.
   *
   * @default - the private subnets of the VPC
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * The security groups of these functions. They must allow HTTPS to the internet.
   *
   * @default - a new one, which allows all outbound traffic
   */
  readonly securityGroups?: readonly ISecurityGroup[];
  /**
   * Whether to add endpoints to the VPC for the AWS services that these functions call: DynamoDB (free), Secrets
   * Manager and EventBridge (about $7 a month each in each zone). Without them the calls use the route to the internet.
   * A VPC can have each endpoint only once.
   *
   * @default false
   */
  readonly endpoints?: boolean;
  /**
   * Customer-managed keys that encrypt secrets; their policies must leave access to IAM.
   *
   * @default - the account's own key for Secrets Manager
   */
  readonly secretsKeys?: readonly IKey[];
  /**
   * How many connections one secret may hold, from 1 to 2000. A secret with more is refused as a whole.
   *
   * @default 200
   */
  readonly connectionsPerSecret?: number;
  /**
   * How many requests a second the HTTP API accepts from all callers together; twice as many in a burst. Others are
   * answered with 429.
   *
   * @default 50
   */
  readonly apiRequestsPerSecond?: number;
  /**
   * How many instances of the API's function may run at once. They are reserved: no other function of the account gets
   * them, and the API gets no more. API Gateway answers further requests with its own 5xx.
   *
   * A reservation must leave 100 of the account's quota to other functions. So it fails to deploy into a new account,
   * whose quota is 10.
   *
   * @default - none: the API shares the account's quota with all other functions
   */
  readonly apiReservedConcurrency?: number;
}

const REQUESTS_PER_SECOND = 50;
/** The runbook of this release, as a page with anchors. */
const RUNBOOK = `https://github.com/token-refresher/token-refresher/blob/v${RELEASE}/docs/runbook.md`;

export const checkedName = (name: string): string => {
  if (isDeploymentName(name)) return name;
  throw mustBe(
    'name',
    'up to 40 lower-case letters, digits and hyphens, beginning with a letter, and not "default"',
    name,
  );
};

/** Each alarm's description contains it with an anchor, and has up to 1024 characters. */
const checkedUrl = (url: string): string => {
  if (URL.canParse(url) && new URL(url).protocol === 'https:' && !url.includes('#') && url.length <= 800) return url;
  throw mustBe('runbookUrl', 'an https URL of up to 800 characters without "#"', url);
};

/** A value that is only known at deployment is not checked. */
const checkedEmail = (address: string | undefined): string | undefined =>
  address === undefined || Token.isUnresolved(address) ? address : email('alarmEmail', address);

/** The settings of a VPC need a VPC. */
const checkedNetwork = ({ vpc, vpcSubnets, securityGroups, endpoints = false }: TokenRefresherProps) => {
  if (securityGroups?.length === 0) throw mustBe('securityGroups', 'left out, or have at least one', []);
  if (vpc) return { vpc, vpcSubnets, securityGroups, endpoints };
  const stray = Object.entries({ vpcSubnets, securityGroups, endpoints }).find(([, value]) => value);
  if (stray) throw new SettingsError(`"${stray[0]}" must come with "vpc".`);
  return undefined;
};

/** The props, checked and with all defaults. */
export const settled = (props: TokenRefresherProps) => {
  const { dashboard = false, secretsKeys = [], apiReservedConcurrency: reserved } = props;
  const { logRetention = RetentionDays.ONE_MONTH, removalPolicy = RemovalPolicy.RETAIN } = props;
  const { connectionsPerSecret = CONNECTIONS_PER_SECRET, apiRequestsPerSecond = REQUESTS_PER_SECOND } = props;
  return {
    name: checkedName(props.name ?? DEFAULT_NAME),
    runbook: checkedUrl(props.runbookUrl ?? RUNBOOK),
    alarmEmail: checkedEmail(props.alarmEmail),
    plans: plansOf(props.providers),
    network: checkedNetwork(props),
    connectionsPerSecret: wholeNumber('connectionsPerSecret', connectionsPerSecret, 1, 2000),
    requestsPerSecond: wholeNumber('apiRequestsPerSecond', apiRequestsPerSecond, 1, 10_000),
    reservedConcurrency: reserved === undefined ? undefined : wholeNumber('apiReservedConcurrency', reserved, 1, 1000),
    secretsKeyArns: secretsKeys.map(key => key.keyArn),
    dashboard,
    logRetention,
    removalPolicy,
  };
};
