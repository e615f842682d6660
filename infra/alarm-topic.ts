import { Annotations, Stack } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { allow, snsKey } from './statements.ts';

export interface AlarmTopicProps {
  /** Encrypts the topic. */
  readonly key: IKey;
  /** @default nobody gets mails */
  readonly alarmEmail?: string | undefined;
  /** @default a topic of its own */
  readonly alarmTopic?: ITopic | undefined;
}

/** The topic for alarms and the mails of the watch. */
export class AlarmTopic extends Construct {
  readonly topic: ITopic;
  readonly #key: IKey | undefined;

  constructor(scope: Construct, id: string, { key, alarmEmail, alarmTopic }: AlarmTopicProps) {
    super(scope, id);
    this.topic = alarmTopic ?? new Topic(this, 'Topic', { masterKey: key, enforceSSL: true });
    this.#key = alarmTopic ? undefined : key;
    this.#letCloudWatchPublish();
    if (alarmEmail !== undefined) this.topic.addSubscription(new EmailSubscription(alarmEmail));
    else if (!alarmTopic) {
      Annotations.of(this).addInfo('Nobody gets alarms: set alarmEmail or alarmTopic, or subscribe to the topic.');
    }
  }

  /** Lets a function of this deployment publish. The policy of an existing topic's key is not managed here. */
  grantPublish(grantee: IGrantable): void {
    grantee.grantPrincipal.addToPrincipalPolicy(allow('sns:Publish', this.topic.topicArn));
    if (this.#key) grantee.grantPrincipal.addToPrincipalPolicy(snsKey(this, this.#key.keyArn));
  }

  /**
   * CloudWatch publishes as itself: the policies of topic and key must allow it, and only for alarms of this account.
   * The policy of a topic imported by its ARN, or of an existing topic's key, is not managed here.
   */
  #letCloudWatchPublish(): void {
    const cloudWatch = (actions: string[], resource: string) =>
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions,
        resources: [resource],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      });
    // A topic policy replaces the default one, which would have let the account's alarms publish.
    this.topic.addToResourcePolicy(cloudWatch(['sns:Publish'], this.topic.topicArn));
    // In a key's policy "*" means that key.
    this.#key?.addToResourcePolicy(cloudWatch(['kms:Decrypt', 'kms:GenerateDataKey'], '*'));
  }
}
