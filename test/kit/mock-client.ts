import { mockClient } from 'aws-sdk-client-mock';
import 'aws-sdk-client-mock-vitest/extend';
import { afterAll } from 'vitest';

/** A mock of an AWS client for one file of tests. Files share a process: the next one gets the real client. */
export const mockedClient: typeof mockClient = client => {
  const mock = mockClient(client);
  afterAll(() => mock.restore());
  return mock;
};
