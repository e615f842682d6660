import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { type ClientOverrides, clientSettings, type Env } from './clients.ts';

export interface Message {
  /** Fewer than 100 characters of ASCII. */
  readonly subject: string;
  readonly text: string;
}

/** Publishes a message on a topic. Throws if the topic does not accept it. */
export type Publish = (message: Message) => Promise<void>;

export const topic =
  (client: SNSClient, arn: string): Publish =>
  async ({ subject, text }) => {
    await client.send(new PublishCommand({ TopicArn: arn, Subject: subject, Message: text }));
  };

export const snsClient = (env: Env, overrides?: ClientOverrides): SNSClient =>
  new SNSClient({ ...clientSettings(env, overrides), maxAttempts: 3 });
