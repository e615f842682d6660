import type { AwsAccount } from './account.ts';

export type RequestContext = Readonly<Record<string, string | readonly string[]>>;

/** What IAM must allow for a call. */
export interface Need {
  readonly action: string;
  readonly resource: string;
  readonly context: RequestContext;
}

export const keyUse = (
  account: AwsAccount,
  { action = 'kms:Decrypt', key, via, bound }: { action?: string; key: string; via?: string; bound: RequestContext },
): Need => ({
  action,
  resource: key,
  context: {
    'kms:CallerAccount': account.place.account,
    ...(/:(De|En)crypt$/.test(action) && { 'kms:EncryptionAlgorithm': 'SYMMETRIC_DEFAULT' }),
    ...(via !== undefined && { 'kms:ViaService': `${via}.${account.place.region}.amazonaws.com` }),
    ...Object.fromEntries(Object.entries(bound).map(([name, value]) => [`kms:EncryptionContext:${name}`, value])),
    ...(Object.keys(bound).length > 0 && { 'kms:EncryptionContextKeys': Object.keys(bound) }),
  },
});
